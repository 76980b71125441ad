//! The registry of codes: `KTH` and four digits, never used twice. It makes `explain`, the docs page and SARIF rules.
//!
//! 0 tool and inputs · 1 access · 2 Prometheus objects · 3 objstore · 4 network, TLS, authentication · 5 webhook ·
//! 6 arrival · 7 policy · 8 hub · 9 versions.

use std::fmt;

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Good to know.
    Info,
    /// Likely not what was meant.
    Warning,
    /// It does not work.
    Error,
}

impl Severity {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// One row.
pub struct Code {
    /// `KTH2006`.
    pub code: &'static str,
    /// `not-enrolled`: for metrics, Events and audit annotations.
    pub id: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// One line.
    pub title: &'static str,
    /// What happens, and why.
    pub cause: &'static str,
    /// How to see it with one's own eyes.
    pub see: &'static str,
    /// What mends it.
    pub fix: &'static str,
    /// How not to be told again.
    pub silence: &'static str,
    /// The first version that says it.
    pub since: &'static str,
}

/// Two rows are one row if they have one code.
impl PartialEq for Code {
    fn eq(&self, other: &Self) -> bool {
        self.code == other.code
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code)
    }
}

impl Code {
    /// The row of a code or an id, in any case.
    pub fn find(word: &str) -> Option<&'static Code> {
        CODES
            .iter()
            .copied()
            .find(|row| row.code.eq_ignore_ascii_case(word) || row.id.eq_ignore_ascii_case(word))
    }

    /// The Event reason: the id in camel case, as Kubernetes has them.
    pub fn event_reason(&self) -> String {
        let words = self.id.split('-').map(|word| {
            let mut letters = word.chars();
            letters.next().map_or_else(String::new, |first| {
                first.to_ascii_uppercase().to_string() + letters.as_str()
            })
        });
        words.collect()
    }
}

macro_rules! codes {
    ($($name:ident $code:literal $id:literal $severity:ident
        $title:literal
        cause $cause:literal
        see $see:literal
        fix $fix:literal
        silence $silence:literal;)*) => {
        $(
            #[doc = $title]
            pub static $name: &Code = &Code {
                code: $code, id: $id, severity: Severity::$severity, title: $title, cause: $cause, see: $see,
                fix: $fix, silence: $silence, since: "0.1.0",
            };
        )*
        /// Every row, in the order of the codes.
        pub static CODES: &[&Code] = &[$($name),*];
    };
}

codes! {
    BUG "KTH0001" "bug" Error
        "this should not happen"
        cause "The program came to a place that it holds to be impossible."
        see "Run the command again with -v."
        fix "Please report it with the command and what it printed; no secret is ever printed."
        silence "Not possible.";
    USAGE "KTH0002" "usage" Error
        "the command line is wrong"
        cause "A verb, a flag or a value is not one that the command knows, or two of them exclude each other."
        see "kubectl thanos COMMAND --help"
        fix "The sentence says which word is wrong, and often which one was meant."
        silence "Not possible.";
    NO_INPUTS "KTH0003" "no-inputs" Error
        "there is nothing to work on"
        cause "The files or directories that were named hold no manifest: only *.yaml, *.yml and *.json are read, and directories are not descended into."
        see "ls the directory that was named."
        fix "Name the files themselves, or pipe manifests into -f -."
        silence "Not possible: a run over nothing would look like success.";
    UNREADABLE_YAML "KTH0004" "unreadable-yaml" Error
        "the file is not YAML or JSON that can be read"
        cause "The text breaks YAML's rules at the line and column named; it is read exactly as kubectl reads it."
        see "kubectl create --dry-run=client -o name -f FILE"
        fix "Mend the line. No snippet is shown, because the file may hold a Secret."
        silence "Not possible.";
    FILE_UNREADABLE "KTH0005" "file-unreadable" Error
        "the file cannot be read"
        cause "The system refused to open or read the file."
        see "ls -l FILE"
        fix "Check the path and its permissions."
        silence "Not possible.";
    FILE_UNWRITABLE "KTH0006" "file-unwritable" Error
        "the file cannot be written"
        cause "The system refused to write the file; it is left as it was."
        see "ls -l FILE"
        fix "Check its permissions and the space on the disk, or write to standard output instead."
        silence "Not possible.";
    FACTS_INVALID "KTH0007" "facts-invalid" Error
        "the facts file is wrong"
        cause "The file given with --facts is not of the kind Facts, or holds a key that is not known."
        see "kubectl thanos why KIND/NAME --save-facts FILE writes a right one."
        fix "Mend the field that is named."
        silence "Not possible.";
    COMMENTS_LOST "KTH0008" "comments-lost" Info
        "the document was written anew and lost its comments"
        cause "Every byte that no edit touches stays. A touched flow mapping becomes block style, and an anchor, an alias or a tag on the way has the whole document written anew: comments in what is written anew have no place there."
        see "kubectl thanos inject -f FILE | diff FILE -"
        fix "Write the touched part in block style."
        silence "Write the touched part in block style.";
    ASSUMED "KTH0009" "assumed" Info
        "facts were assumed"
        cause "Neither --facts nor --live was given: namespace labels are taken to be empty, the credential to be there and the CRDs to be the newest."
        see "kubectl thanos inject -f FILE --live"
        fix "Give --facts FILE or --live."
        silence "Give --facts FILE or --live.";
    CONFIRMATION_IMPOSSIBLE "KTH0010" "confirmation-impossible" Error
        "a question cannot be asked"
        cause "The command changes a cluster and would ask first, but standard input is no terminal."
        see "Run it in a terminal."
        fix "Add --yes if the plan is right; --dry-run shows it."
        silence "--yes";
    CREDENTIAL_UNUSABLE "KTH0011" "credential-unusable" Error
        "the credential cannot be used"
        cause "The file holds no password, token or certificate that fits the wiring's auth, or the wiring needs one that was not given."
        see "kubectl get thanoswiring NAME -o jsonpath='{.spec.remoteWrite.auth}'"
        fix "Put the credential alone into a file, on one line, and name the file; no content of it is ever shown."
        silence "Not possible.";
    NOTHING_TO_ENROLL "KTH0012" "nothing-to-enroll" Error
        "the wiring keeps nothing in a namespace"
        cause "Its auth is azureAd or none and its tls names no certificate authority: objects are wired in every namespace that it selects."
        see "kubectl get thanoswiring NAME -o jsonpath='{.spec.remoteWrite.auth}'"
        fix "Nothing to do."
        silence "Not possible.";
    CREDENTIAL_KEPT "KTH0013" "credential-kept" Warning
        "what is there was kept"
        cause "The Secret holds another value than the one given, and --replace was not."
        see "kubectl get secret NAME -n NAMESPACE --show-managed-fields -o yaml | grep time"
        fix "Add --replace if the new value is meant."
        silence "Leave out the flag that gives the value.";
    STILL_NAMED "KTH0014" "still-named" Warning
        "the credential stays because it is still named"
        cause "An object names the Secret, and an object that names a missing Secret gets no change of its configuration any more; or the Secret serves another wiring."
        see "kubectl get prometheuses,prometheusagents,thanosrulers -n NAMESPACE -o yaml | grep NAME"
        fix "Have the object un-wired, then run the command again."
        silence "Not possible.";
    TIMED_OUT "KTH0015" "timed-out" Error
        "the time given with --timeout ran out"
        cause "The command waited, mostly for the API server, until --timeout was over. What was done by then stays done."
        see "Run the command again with -v."
        fix "Give it more time, or look why the API server is slow: kubectl get --raw /readyz"
        silence "Leave --timeout out.";
    DIFF_PROGRAM "KTH0016" "diff-program" Error
        "the program in KUBECTL_EXTERNAL_DIFF failed"
        cause "The variable names a program that cannot be run, or that ended with more than 1."
        see "echo $KUBECTL_EXTERNAL_DIFF"
        fix "Install the program, or unset the variable."
        silence "Unset the variable.";
    NO_OBJECT "KTH0017" "no-object" Warning
        "a document is no Kubernetes object"
        cause "The document, or the item of a list, has no apiVersion or no kind: it passes through unchanged, and kubectl refuses it."
        see "kubectl create --dry-run=client -o name -f FILE"
        fix "Give it apiVersion and kind, or keep it out of the manifests: a values file of Helm is none."
        silence "Name the manifests alone with -f.";
    DUPLICATE_KEY "KTH0018" "duplicate-key" Warning
        "a key stands twice in one mapping"
        cause "The last of equal keys counts, as for kubectl, which says nothing; kustomize refuses such a file."
        see "kubectl create --dry-run=client -o yaml -f FILE"
        fix "Remove one of the two."
        silence "Remove one of the two.";
    POLICY_TEST_INVALID "KTH0019" "policy-test-invalid" Error
        "a test of policies cannot be run"
        cause "A PolicyTest has a wrong field, or names a file that is not there: its cases have shown nothing."
        see "kubectl thanos policy test DIR"
        fix "Mend the field at the place named; kubectl thanos policy init writes a test to begin with."
        silence "Not possible: a test that is not run would look like success.";
    RELEASE_UNKNOWN "KTH0020" "release-unknown" Error
        "helm does not tell a post-renderer where the release goes"
        cause "A post-renderer gets the manifests and its own arguments, and nothing of helm's -n, --kube-context and --kubeconfig. A namespace or a cluster that is guessed would wire the object as something that it is not."
        see "helm template RELEASE CHART -n NAMESPACE, and look whether metadata.namespace is set"
        fix "Name the same to both: --post-renderer-args=--namespace=NAMESPACE, and with --live --post-renderer-args=--context=NAME."
        silence "Not possible: the object would be judged in another place than its own.";
    HELM_SETTING "KTH0021" "helm-setting" Error
        "helm was told something that is not taken from it"
        cause "helm --kube-token and HELM_KUBETOKEN put a secret on the command line or into the environment, where other users and every child process can read it."
        see "helm env"
        fix "Put the token into a user of a kubeconfig (tokenFile), and name it with --kubeconfig or --kube-context; unset HELM_KUBETOKEN."
        silence "Not possible.";
    UNREACHABLE "KTH1001" "unreachable" Error
        "the API server cannot be reached"
        cause "No answer from the server that the kubeconfig names."
        see "kubectl get --raw /readyz"
        fix "Check --context, --kubeconfig and the network."
        silence "Not possible.";
    FORBIDDEN "KTH1002" "forbidden" Error
        "a permission is missing"
        cause "The API server knows who asks and refuses the request."
        see "kubectl auth can-i VERB RESOURCE"
        fix "Ask an admin for the verb and resource that are named."
        silence "Not possible.";
    KUBECONFIG_UNREADABLE "KTH1003" "kubeconfig-unreadable" Error
        "there is no usable kubeconfig"
        cause "The kubeconfig is missing, cannot be parsed, or does not hold the context that was named."
        see "kubectl config get-contexts"
        fix "Set KUBECONFIG, or give --kubeconfig and --context."
        silence "Not possible.";
    NOT_FOUND "KTH1004" "not-found" Error
        "the object does not exist"
        cause "The API server has no object of that kind and name."
        see "kubectl get KIND -A"
        fix "Check kind, name and -n."
        silence "Not possible.";
    UNAUTHENTICATED "KTH1005" "unauthenticated" Error
        "the API server does not know who asks"
        cause "The token or certificate of the kubeconfig's user is missing, expired or not this server's."
        see "kubectl auth whoami"
        fix "Log in again, or choose another context."
        silence "Not possible.";
    CRD_MISSING "KTH1010" "crd-missing" Error
        "a CRD is missing"
        cause "The API server does not serve the kind: prometheus-operator, or kubectl thanos init, has not been here."
        see "kubectl get crd | grep -e monitoring.coreos.com -e kubectl-thanos.dev"
        fix "Install prometheus-operator first; kubectl thanos init brings our own CRDs."
        silence "Not possible.";
    API_REFUSED "KTH1011" "api-refused" Error
        "the API server refused the request"
        cause "The request was understood and refused: a schema, another webhook, a quota or a conflict."
        see "Run the command again with -v to see the request."
        fix "The server's own sentence says what is wrong."
        silence "Not possible.";
    NOT_OURS "KTH1012" "not-ours" Error
        "somebody else made the object"
        cause "An object of that name exists without our labels, serves another wiring, or another manager owns the field: it is left as it is."
        see "kubectl get KIND NAME -o yaml --show-managed-fields"
        fix "Give it another name in the wiring, or remove it if nobody needs it."
        silence "Not possible: it would be overwritten.";
    WIRED "KTH2000" "wired" Info
        "wired"
        cause "The wiring selects the object, and its entry, labels and relabel rules are in it."
        see "kubectl thanos why KIND/NAME"
        fix "Nothing to do."
        silence "It is not a warning.";
    ALREADY_WIRED "KTH2001" "already-wired" Info
        "wired already"
        cause "Every part that the wiring would put in is there."
        see "kubectl thanos why KIND/NAME"
        fix "Nothing to do."
        silence "It is not a warning.";
    UNWIRED "KTH2002" "un-wired" Info
        "un-wired"
        cause "The object was opted out, is no longer selected, or its wiring goes: what the wiring had put in was taken out, and nothing else."
        see "kubectl thanos why KIND/NAME"
        fix "Nothing to do."
        silence "It is not a warning.";
    NO_WIRING "KTH2003" "no-wiring" Info
        "there is no wiring"
        cause "No ThanosWiring exists, or none was given."
        see "kubectl get thanoswirings"
        fix "kubectl thanos init makes one; offline, give --wiring FILE."
        silence "It is not a warning.";
    KIND_NOT_LISTED "KTH2004" "kind-not-listed" Info
        "the wiring does not list this kind"
        cause "spec.kinds of the wiring is Prometheus and PrometheusAgent unless it says otherwise: remote-write makes a ruler stateless."
        see "kubectl get thanoswiring NAME -o jsonpath='{.spec.kinds}'"
        fix "Add the kind to spec.kinds of the wiring."
        silence "It is not a warning.";
    NAMESPACE_NOT_SELECTED "KTH2005" "namespace-not-selected" Info
        "the wiring does not select the namespace"
        cause "spec.namespaceSelector of the wiring does not match the namespace's labels."
        see "kubectl get namespace NAME --show-labels"
        fix "Label the namespace, or widen the selector."
        silence "It is not a warning.";
    OBJECT_NOT_SELECTED "KTH2006" "object-not-selected" Info
        "the wiring does not select the object"
        cause "spec.objectSelector of the wiring does not match the object's labels."
        see "kubectl get KIND NAME --show-labels"
        fix "Label the object, or widen the selector."
        silence "It is not a warning.";
    OPTED_OUT "KTH2007" "opted-out" Info
        "the object opted out"
        cause "The object carries the label kubectl-thanos.dev/wire=disabled, and its wiring allows that."
        see "kubectl get KIND NAME --show-labels"
        fix "Remove the label to have it wired."
        silence "It is not a warning.";
    NAMESPACE_UNKNOWN "KTH2008" "namespace-unknown" Warning
        "the namespace is not known"
        cause "The namespace is not in the webhook's memory, and the one request for it found nothing."
        see "kubectl get namespace NAME"
        fix "Nothing to do if it has just been made: the object is wired within 30 seconds."
        silence "Create the namespace first.";
    NOT_ENROLLED "KTH2009" "not-enrolled" Warning
        "the namespace is not enrolled"
        cause "The wiring selects the object, but no admin has put the credential into this namespace and the namespace on the wiring's list. An entry that names a missing Secret would make the operator stop every later change of the object."
        see "kubectl thanos get wirings"
        fix "An admin runs: kubectl thanos enroll -n NAMESPACE"
        silence "Label the object kubectl-thanos.dev/wire=disabled, or narrow the wiring's namespaceSelector.";
    CREDENTIAL_MISSING "KTH2010" "credential-missing" Warning
        "the credential is not there yet"
        cause "The namespace is enrolled, but the Secret or one of its keys is missing, or the controller may not read it."
        see "kubectl thanos get wirings"
        fix "kubectl thanos enroll -n NAMESPACE puts it there; the object is wired within 30 seconds."
        silence "Remove the namespace from the wiring's credentials.namespaces.";
    NAME_UNKNOWN "KTH2011" "name-unknown" Warning
        "the object has no name yet"
        cause "The wiring uses {name}, and with generateName the API server gives the name after admission."
        see "kubectl get thanoswiring NAME -o yaml"
        fix "Nothing to do: the controller has it wired within 30 seconds."
        silence "Create the object with a name.";
    CRD_TOO_OLD "KTH2012" "crd-too-old" Warning
        "the installed CRD does not know a field that the wiring needs"
        cause "The API server would drop the field in silence, and half a wiring is none."
        see "kubectl get crd prometheuses.monitoring.coreos.com -o jsonpath='{.metadata.annotations}'"
        fix "Upgrade prometheus-operator's CRDs, or leave the field out of the wiring."
        silence "Leave the field out of the wiring.";
    ENTRY_TAKEN "KTH2013" "entry-taken" Warning
        "another wiring uses the entry name"
        cause "Two wirings select the object and use one entry name, or send the same samples to the same url; the lowest wiring name wins."
        see "kubectl thanos get wirings"
        fix "Give each wiring its own remoteWrite.name; of two that send to one url as one tenant with one credential, keep one."
        silence "Narrow the selectors so that the wirings do not meet.";
    LABEL_TAKEN "KTH2014" "label-taken" Warning
        "another wiring enforces another value"
        cause "Two wirings select the object and set one label to different values; the lowest wiring name wins, and the later wiring's rules would stamp exported_ labels on every series."
        see "kubectl thanos get wirings"
        fix "Let both wirings set the same value."
        silence "Narrow the selectors so that the wirings do not meet.";
    WIRING_GOING "KTH2015" "wiring-going" Info
        "the wiring is being deleted"
        cause "The wiring has onDelete: Unwire and a deletion timestamp: it selects nothing any more, and goes when the last object is un-wired."
        see "kubectl get thanoswiring NAME -o yaml"
        fix "Nothing to do."
        silence "It is not a warning.";
    WIRING_GONE "KTH2016" "wiring-gone" Info
        "wired by a wiring that does not exist any more"
        cause "The wiring was deleted with onDelete: Keep, so the object keeps what it has."
        see "kubectl get KIND NAME -o jsonpath='{.metadata.annotations}'"
        fix "kubectl thanos inject --revert takes it out; a new wiring of that name takes it over."
        silence "It is not a warning.";
    UNTOUCHED "KTH2017" "untouched" Info
        "the update touches nothing that wiring looks at"
        cause "Only metadata changed, and none of it is ours or selects anything."
        see "kubectl thanos why KIND/NAME"
        fix "Nothing to do."
        silence "It is not a warning.";
    DELETING "KTH2018" "deleting" Info
        "the object is being deleted"
        cause "An object on its way out is not edited, or its deletion could be held up."
        see "kubectl get KIND NAME -o jsonpath='{.metadata.deletionTimestamp}'"
        fix "Nothing to do."
        silence "It is not a warning.";
    SUBRESOURCE "KTH2019" "subresource" Info
        "a subresource is never edited"
        cause "Status and scale are not the object: wiring looks at the object only."
        see "kubectl thanos why KIND/NAME"
        fix "Nothing to do."
        silence "It is not a warning.";
    TOUCHED "KTH2020" "touched" Info
        "the touch annotation was taken off"
        cause "The controller touched the object to have it looked at, and it was as it should be."
        see "kubectl thanos why KIND/NAME"
        fix "Nothing to do."
        silence "It is not a warning.";
    NOT_WIRED "KTH2021" "not-wired" Info
        "the object is not wired"
        cause "No annotation says that a wiring has put anything into the object, so there is nothing to take out."
        see "kubectl get KIND NAME -o jsonpath='{.metadata.annotations}'"
        fix "Nothing to do."
        silence "It is not a warning.";
    RECORD_NEWER "KTH2022" "record-newer" Warning
        "the wired annotation was written by a newer program"
        cause "An older and a newer version of the webhook or the plugin work side by side; the older one leaves what it cannot read."
        see "kubectl get KIND NAME -o jsonpath='{.metadata.annotations}'"
        fix "Finish the upgrade; use the newer plugin."
        silence "Finish the upgrade.";
    LABEL_NAME_TAKEN "KTH2101" "label-name-taken" Error
        "the object already gives an enforced label another meaning"
        cause "prometheusExternalLabelName, replicaExternalLabelName or the topology label of the object names a label that the wiring enforces; the operator's own label would win without a word."
        see "kubectl get KIND NAME -o yaml | grep -i externalLabelName"
        fix "Use another name there, or another enforced label in the wiring."
        silence "Label the object kubectl-thanos.dev/wire=disabled.";
    ENTRY_AMBIGUOUS "KTH2102" "entry-ambiguous" Error
        "more than one entry could be the wiring's"
        cause "A second entry for one Receive means duplicate samples and 409 answers, so nothing is guessed."
        see "kubectl get KIND NAME -o jsonpath='{.spec.remoteWrite}'"
        fix "Remove all but one of the entries that are named."
        silence "Label the object kubectl-thanos.dev/wire=disabled.";
    ENTRY_CONFLICTS "KTH2103" "entry-conflicts" Error
        "an entry of the user's own stands in the way"
        cause "There is an entry of the wiring's name or url that says something else than the wiring; overwritten, it could not be given back."
        see "kubectl get KIND NAME -o jsonpath='{.spec.remoteWrite}'"
        fix "Remove the field that is named, or the entry; an admin may set remoteWrite.adopt: Replace in the wiring."
        silence "Label the object kubectl-thanos.dev/wire=disabled.";
    VERSION_TOO_OLD "KTH2104" "version-too-old" Error
        "the object's version does not know a field that the wiring needs"
        cause "prometheus-operator drops a field that spec.version does not know with no more than a log line, and half a wiring is none."
        see "kubectl get KIND NAME -o jsonpath='{.spec.version}'"
        fix "Raise spec.version to the version that is named, or leave the field out of the wiring."
        silence "Label the object kubectl-thanos.dev/wire=disabled.";
    ANNOTATION_TOO_LARGE "KTH2105" "annotation-too-large" Error
        "the wired annotation would be too large"
        cause "What must be remembered to take the wiring out again does not fit into 2 KiB."
        see "kubectl get thanoswirings"
        fix "Let fewer wirings select the object, or use fewer labels and defaults in them."
        silence "Label the object kubectl-thanos.dev/wire=disabled.";
    PATCH_TOO_LARGE "KTH2106" "patch-too-large" Error
        "the edit would be too large"
        cause "One patch holds at most 64 operations and 64 KiB."
        see "kubectl thanos inject -f FILE -o patch"
        fix "Let fewer wirings select the object."
        silence "Label the object kubectl-thanos.dev/wire=disabled.";
    MALFORMED "KTH2107" "malformed" Error
        "a part of the object has the wrong shape"
        cause "A field that wiring must read or write is not what the operator's CRD says it is, or the object has more parts than are judged."
        see "kubectl create --dry-run=server -f FILE"
        fix "Mend the field that is named; let one object hold fewer entries and relabel rules."
        silence "Not possible: what nobody can judge is refused where a policy denies.";
    OPT_OUT_IGNORED "KTH2201" "opt-out-ignored" Warning
        "opting out is forbidden here"
        cause "The object carries kubectl-thanos.dev/wire=disabled, and its wiring has optOut: Forbidden."
        see "kubectl get thanoswiring NAME -o jsonpath='{.spec.optOut}'"
        fix "Remove the label; an admin may set optOut: Allowed."
        silence "Remove the label.";
    DEFAULT_NOT_GIVEN "KTH2202" "default-not-given" Warning
        "a default of the wiring was not given"
        cause "The object's version or the installed CRD does not know the field, or the object's own value does not go with it (minShards above maxShards, minBackoff above maxBackoff); the wiring works without it."
        see "kubectl get KIND NAME -o jsonpath='{.spec.version}'"
        fix "Raise spec.version, change the object's own value, or leave the default out of the wiring."
        silence "Set the field in the object's own entry, or leave the default out of the wiring.";
    CONFIGURATION_UNMANAGED "KTH2203" "configuration-unmanaged" Warning
        "the operator writes no configuration for this object"
        cause "All of serviceMonitorSelector, podMonitorSelector, probeSelector and scrapeConfigSelector are unset: the operator leaves the configuration to the user, so the entry has no effect."
        see "kubectl get prometheus NAME -o yaml | grep Selector"
        fix "Set at least one selector; {} selects everything."
        silence "Label the object kubectl-thanos.dev/wire=disabled.";
    RULER_STATELESS "KTH2204" "ruler-stateless" Warning
        "remote-write makes a ruler stateless"
        cause "Thanos' ruler with remote-write keeps no data of its own and serves no Store API; its retention is ignored."
        see "kubectl logs thanos-ruler-NAME-0 | grep -i stateless"
        fix "Nothing to do if that is meant; else remove ThanosRuler from the wiring's kinds."
        silence "Label the object kubectl-thanos.dev/wire=disabled.";
    RULER_ROLLS "KTH2205" "ruler-rolls" Warning
        "the ruler's pods will restart"
        cause "A ruler is told of its labels and of its remote-write by command-line arguments."
        see "kubectl get pods -w"
        fix "Nothing to do."
        silence "Not possible.";
    ANNOTATION_UNREADABLE "KTH2206" "annotation-unreadable" Warning
        "the wired annotation was not readable"
        cause "Somebody edited the annotation kubectl-thanos.dev/wired; an entry that it no longer names counts as the user's own."
        see "kubectl get KIND NAME -o jsonpath='{.metadata.annotations}'"
        fix "Nothing to do where it was written anew. inject --revert takes nothing out and leaves it: have the object wired again, then revert."
        silence "Leave the annotation alone.";
    WIRING_INVALID "KTH2301" "wiring-invalid" Error
        "the wiring is wrong"
        cause "A field of the ThanosWiring is not what it must be; the sentence says which and what."
        see "kubectl create --dry-run=server -f FILE"
        fix "Mend the field that is named."
        silence "Not possible: every object that the wiring selects would get it.";
    WIRING_PLAINTEXT "KTH2302" "wiring-plaintext" Warning
        "the credential travels in plain text"
        cause "The wiring's url is http:// and its auth holds a credential: whoever can listen can write as this cluster."
        see "kubectl get thanoswiring NAME -o jsonpath='{.spec.remoteWrite.url}'"
        fix "Use https://."
        silence "Use https://.";
    WIRING_PATHLESS "KTH2303" "wiring-pathless" Warning
        "the wiring's url has no path"
        cause "Thanos Receive takes remote-write at /api/v1/receive, and a gateway hands the path on unless it was told to rewrite it."
        see "kubectl get thanoswiring NAME -o jsonpath='{.spec.remoteWrite.url}'"
        fix "Add /api/v1/receive to the url, unless the gateway adds it."
        silence "Give the url with a path.";
    OBJSTORE_YAML "KTH3001" "objstore-yaml" Error
        "the objstore file is not YAML that is read"
        cause "The text breaks YAML's rules, or it is larger or deeper than 64 KiB, 32 levels and 2 000 nodes, or it uses aliases, tags or merge keys, which an objstore file has no need of."
        see "thanos tools bucket ls --objstore.config-file=FILE"
        fix "Mend the line that is named. No snippet is shown, because the file may hold a credential."
        silence "Not possible.";
    OBJSTORE_TYPE_UNKNOWN "KTH3002" "objstore-type-unknown" Error
        "the objstore type is none that Thanos has"
        cause "Thanos knows GCS, S3, AZURE, SWIFT, COS, ALIYUNOSS, FILESYSTEM, BOS, OCI and OBS, in any case; everything that speaks S3's protocol is S3."
        see "thanos tools bucket ls --objstore.config-file=FILE"
        fix "Write one of them as type."
        silence "Not possible.";
    OBJSTORE_FIELD_UNKNOWN "KTH3003" "objstore-field-unknown" Error
        "the objstore file has a field that Thanos refuses"
        cause "Beside type, config and prefix Thanos takes nothing, and GCS, S3, AZURE, SWIFT and OBS refuse fields below config that they do not know. The documented hedging_config is refused as well."
        see "thanos tools bucket ls --objstore.config-file=FILE"
        fix "Mend the name, move the field below config, or take it out."
        silence "Not possible.";
    OBJSTORE_FIELD_TYPE "KTH3004" "objstore-field-type" Error
        "an objstore field has a value of the wrong kind"
        cause "Thanos cannot read the value as what the field is: a number, a duration with its unit, true or false, a mapping."
        see "thanos tools bucket ls --objstore.config-file=FILE"
        fix "Write what the sentence says. Numbers, true and false stand without quotes."
        silence "Not possible.";
    OBJSTORE_REQUIRED "KTH3005" "objstore-required" Error
        "an objstore field is missing"
        cause "Thanos does not start without the field; empty and null are as good as missing."
        see "thanos tools bucket ls --objstore.config-file=FILE"
        fix "Set the field that is named."
        silence "Not possible.";
    OBJSTORE_CONFLICT "KTH3006" "objstore-conflict" Error
        "objstore fields exclude or need each other"
        cause "Two ways to authenticate are set at once, or one of them is set by half."
        see "thanos tools bucket ls --objstore.config-file=FILE"
        fix "Keep one way: on AKS workload identity that is storage_account and container alone, on AWS with a role no keys at all."
        silence "Not possible.";
    OBJSTORE_VALUE "KTH3007" "objstore-value" Error
        "an objstore field has a value that is refused"
        cause "The provider's own check, or that of its SDK, refuses the value before anything is connected: an endpoint with a scheme, a path where JSON is meant, a name with letters that it must not have."
        see "thanos tools bucket ls --objstore.config-file=FILE"
        fix "Write what the sentence says."
        silence "Not possible.";
    OBJSTORE_DUPLICATE "KTH3008" "objstore-duplicate" Error
        "an objstore field is there twice"
        cause "Thanos refuses a mapping with two equal keys, wherever it stands; kubectl would take the last."
        see "thanos tools bucket ls --objstore.config-file=FILE"
        fix "Keep one of them."
        silence "Not possible.";
    OBJSTORE_DATA "KTH3009" "objstore-data" Error
        "the Secret does not hold the objstore file it should"
        cause "The label kubectl-thanos.dev/objstore names a key that the Secret does not have, or the value is not base64."
        see "kubectl get secret NAME -n NAMESPACE -o jsonpath='{.metadata.labels}'"
        fix "Let the label name the key of the file, leave its value empty for every key, or give the file as stringData."
        silence "Take the label off, if the Secret holds no objstore file.";
    OBJSTORE_MORE_DOCUMENTS "KTH3101" "objstore-more-documents" Warning
        "the objstore file has more than one YAML document"
        cause "Thanos reads what stands before the second --- and ignores the rest without a word."
        see "grep -n -e '^---' FILE"
        fix "Keep one document, or put the others under keys of their own."
        silence "Keep one document.";
    OBJSTORE_UNQUOTED "KTH3102" "objstore-unquoted" Warning
        "an objstore text without quotes is read as another one"
        cause "Thanos reads the file, writes config anew and reads that: 0123 becomes 83, 1e6 becomes 1e+06, yes becomes true. A credential like that is sent changed, and the provider refuses it."
        see "The provider's answer is about a wrong key or signature."
        fix "Put the value in quotes."
        silence "Put the value in quotes.";
    OBJSTORE_ENVIRONMENT "KTH3103" "objstore-environment" Warning
        "the objstore file names variables of the environment"
        cause "Thanos replaces $(NAME) anywhere in the file, comments included, by a variable of its own environment before it reads it, and does not start where the variable is unset. What it holds, a static credential perhaps, is known only there."
        see "kubectl get pod NAME -o jsonpath='{.spec.containers[*].env}'"
        fix "Write the value itself, or use an identity that needs none."
        silence "Write the value itself.";
    OBJSTORE_TLS_IGNORED "KTH3104" "objstore-tls-ignored" Warning
        "tls_config.insecure_skip_verify has no effect"
        cause "Thanos overwrites it with http_config.insecure_skip_verify, which is false where it is not set, so certificates are verified all the same."
        see "Thanos says: tls: failed to verify certificate"
        fix "Give the authority as tls_config.ca_file; only where that cannot be, set http_config.insecure_skip_verify."
        silence "Take the inner field out.";
    OBJSTORE_FILESYSTEM "KTH3105" "objstore-filesystem" Warning
        "blocks are kept in a directory of the pod"
        cause "FILESYSTEM is meant for tests: store, compactor and sidecars each see a directory of their own."
        see "kubectl get pod NAME -o jsonpath='{.spec.volumes}'"
        fix "Use an object store."
        silence "Use an object store.";
    OBJSTORE_AZURE_IDENTITY "KTH3106" "objstore-azure-identity" Info
        "a user-assigned identity is asked of the node"
        cause "With user_assigned_id Thanos asks the node's metadata service for a managed identity. A pod with workload identity gets its token another way, and then this fails with: Identity not found."
        see "kubectl get serviceaccount NAME -n NAMESPACE -o jsonpath='{.metadata.annotations}'"
        fix "With workload identity leave storage_account and container alone; with a node's managed identity this is right."
        silence "Leave the field out.";
    OBJSTORE_FIELD_IGNORED "KTH3107" "objstore-field-ignored" Warning
        "an objstore field is ignored"
        cause "COS, ALIYUNOSS, BOS, OCI and FILESYSTEM ignore fields that they do not know, so a typing error goes unseen; and some fields are no longer read."
        see "kubectl thanos explain KTH3003 names the providers that refuse such fields."
        fix "Mend the name, or take the field out."
        silence "Take the field out.";
    OBJSTORE_BUCKET_UNSET "KTH3108" "objstore-bucket-unset" Warning
        "the objstore file names no bucket"
        cause "S3, OBS, OCI and SWIFT do not check that there is one, so Thanos starts, and nothing that it asks for exists."
        see "thanos tools bucket ls --objstore.config-file=FILE"
        fix "Set the bucket or container."
        silence "Set the bucket or container.";
    CERTIFICATE_UNREADABLE "KTH4101" "certificate-unreadable" Error
        "the certificate cannot be read"
        cause "The file holds no PEM certificate, or no key that goes with it."
        see "openssl x509 -in FILE -noout -text"
        fix "Give a PEM chain and the key of its first certificate."
        silence "Not possible.";
    CERTIFICATE_EXPIRED "KTH4102" "certificate-expired" Error
        "the certificate is not valid now"
        cause "The time is outside the certificate's notBefore and notAfter."
        see "openssl x509 -in FILE -noout -dates"
        fix "Renew it; check the clock."
        silence "Not possible.";
    CERTIFICATE_NAMELESS "KTH4103" "certificate-nameless" Error
        "the certificate names no host"
        cause "The API server checks subject alternative names only; a common name does not count."
        see "openssl x509 -in FILE -noout -ext subjectAltName"
        fix "Issue it with the Service's DNS name, or the address, as a subject alternative name."
        silence "Not possible.";
    GATEWAY_UNTOLD "KTH4104" "gateway-untold" Warning
        "the gateway does not know the password yet"
        cause "The password was made here; until its htpasswd line is at the gateway, every push is answered with 401."
        see "kubectl thanos enroll -n NAMESPACE --htpasswd-out FILE"
        fix "Write the line with --htpasswd-out FILE and give it to whoever runs the gateway."
        silence "Give the password that the gateway knows with --password-file.";
    USER_SHARED "KTH4105" "user-shared" Warning
        "one user, more than one password"
        cause "A gateway keeps one password per user name, and other namespaces are enrolled with the same wiring."
        see "kubectl thanos get wirings"
        fix "Use one password in all of them with --copy-from NAMESPACE, or give this namespace a name of its own with --user."
        silence "Give --user, --copy-from or --password-file.";
    REVIEW_UNREADABLE "KTH5001" "review-unreadable" Error
        "the request is no AdmissionReview"
        cause "Something other than an API server spoke to the webhook, or the body was cut."
        see "kubectl logs deployment/thanos-webhook-serve"
        fix "Nothing to do if it was a scanner; else look for a proxy in between."
        silence "Not possible.";
    OVERLOADED "KTH5002" "overloaded" Warning
        "the webhook is busy"
        cause "More reviews at once than it takes; the API server asks again after a second."
        see "kubectl get --raw /metrics | grep admission_webhook"
        fix "Add replicas of thanos-webhook-serve."
        silence "Add replicas.";
    WEBHOOK_SILENT "KTH5201" "webhook-silent" Error
        "no webhook wires objects here"
        cause "A Prometheus that was created by dry-run came back as it went: the webhook is not installed, not reachable, or not yet ready."
        see "kubectl get mutatingwebhookconfiguration thanos-webhook"
        fix "helm install thanos-webhook charts/thanos-webhook -n thanos-system --create-namespace installs it; then kubectl get pods -n thanos-system says whether serve runs."
        silence "Not possible.";
    WEBHOOK_BLIND "KTH5202" "webhook-blind" Error
        "no webhook checks wirings here"
        cause "A wiring with a relabel rule that does not compile was accepted by dry-run."
        see "kubectl get validatingwebhookconfiguration thanos-webhook"
        fix "helm install thanos-webhook charts/thanos-webhook -n thanos-system --create-namespace installs it; then kubectl get pods -n thanos-system says whether serve runs."
        silence "Not possible.";
    REWIRING_HALTED "KTH5301" "rewiring-halted" Warning
        "a changed wiring is not carried to any more objects"
        cause "The operator does not reconcile an object since it was rewired, so the change is held back from every other one: what stops one would stop all."
        see "kubectl get KIND NAME -n NAMESPACE -o jsonpath='{.status.conditions[?(@.type==\"Reconciled\")].message}'"
        fix "Mend what the operator says about the object, or change the wiring back: the rest follow as soon as the object is reconciled."
        silence "Not possible: it ends when the object is reconciled.";
    CERTIFICATES_STUCK "KTH5401" "certificates-stuck" Error
        "the webhook's certificates cannot be kept"
        cause "thanos-webhook control cannot read or write one of its two Secrets or the webhook registrations. What is there stays; when the certificate runs out, no object is wired and no policy is asked."
        see "kubectl logs deployment/thanos-webhook-control -n thanos-system"
        fix "helm upgrade the chart: it brings back the two Secrets, thanos-webhook-ca and thanos-webhook-tls, and the rights on them."
        silence "Let somebody else make them: the chart value certificates.source.";
    POLICY_INVALID "KTH7001" "policy-invalid" Error
        "a policy is not right"
        cause "A field of a ThanosPolicy has a wrong value or shape, or no rule has that name."
        see "kubectl get thanospolicy NAME -o yaml"
        fix "Mend the field that the path names."
        silence "It cannot be silenced.";
    POLICY_REFUSES_WIRING "KTH7002" "policy-refuses-wiring" Error
        "a policy would refuse what a wiring sets"
        cause "Every object that the wiring wires would be refused by the policy: nothing could be created or changed any more."
        see "kubectl thanos policy audit"
        fix "Let the field that the path names allow what the wiring sets, or make the selectors of the two disjoint."
        silence "It cannot be silenced.";
    POLICY_NAMESPACE_UNKNOWN "KTH7003" "policy-namespace-unknown" Error
        "nobody knows which policies hold in the namespace"
        cause "A policy selects by the labels of namespaces; this one is not in the webhook's memory, and the one request for it found nothing."
        see "kubectl get namespace NAME --show-labels"
        fix "Apply the object again in a moment."
        silence "A policy without a namespaceSelector holds everywhere and need not know.";
    SCALE_PARENT_UNKNOWN "KTH7004" "scale-parent-unknown" Error
        "nobody knows the object that is scaled"
        cause "A policy holds for what the object becomes; it is not in the webhook's memory, and the one request for it found nothing."
        see "kubectl get KIND NAME -n NAMESPACE"
        fix "Scale it again in a moment, or change the number in the object itself."
        silence "Not possible while a policy denies.";
    EXEMPTION_EXPIRED "KTH7005" "exemption-expired" Info
        "an exemption of a policy has expired"
        cause "The last day of the exemption is over: the object is held to the rule again."
        see "kubectl get thanospolicy NAME -o jsonpath='{.spec.exemptions}'"
        fix "Take the exemption out of the policy, or give it a new last day and a reason that still holds."
        silence "Take the exemption out of the policy.";
    EGRESS_URL "KTH7010" "egress-url" Error
        "a url leads where the policy does not allow"
        cause "Samples, credentials or queries would leave for a host that no admin has listed: egress and server-side request forgery."
        see "kubectl thanos validate -f FILE --policy POLICY"
        fix "Add the url to spec.remoteWrite.allowedUrls of the policy, or change it in the object."
        silence "An exemption of the policy, with a reason.";
    REQUIRED_WIRING "KTH7011" "required-wiring" Error
        "the object is not wired as the policy requires"
        cause "A later mutator has undone the wiring, the webhook was down when the object was written, or the object is made so that wiring must leave it."
        see "kubectl thanos validate -f FILE --policy POLICY"
        fix "kubectl thanos why says which step fails; apply the object again once it is mended."
        silence "An exemption of the policy, with a reason.";
    PLAINTEXT_URL "KTH7012" "plaintext-url" Error
        "a credential would travel in plain text"
        cause "The url starts with http:// and the same client has a credential."
        see "kubectl thanos validate -f FILE --policy POLICY"
        fix "Use https://."
        silence "An exemption of the policy, with a reason.";
    INLINE_CREDENTIALS "KTH7013" "inline-credentials" Error
        "a credential stands in the object itself"
        cause "Whoever may read the object, its backups or the audit log can read it."
        see "kubectl thanos validate -f FILE --policy POLICY"
        fix "Put it into a Secret and name the Secret."
        silence "An exemption of the policy, with a reason.";
    BORROWED_SECRET "KTH7014" "borrowed-secret" Error
        "the object names a Secret or ConfigMap that is not its own to name"
        cause "The operator reads it with its own rights and sends it where the object says: whoever may create the object could read any Secret of the namespace."
        see "kubectl thanos validate -f FILE --policy POLICY"
        fix "Add the name to spec.remoteWrite.allowedSecrets of the policy, or take the reference out."
        silence "An exemption of the policy, with a reason.";
    CREDENTIAL_FILES "KTH7015" "credential-files" Error
        "a credential or certificate is read from a file of the pod"
        cause "The file may be the pod's own service account token, or another tenant's mount."
        see "kubectl thanos validate -f FILE --policy POLICY"
        fix "Name a Secret instead of a file."
        silence "An exemption of the policy, with a reason.";
    TENANT_HEADER "KTH7016" "tenant-header" Error
        "a header speaks for a tenant"
        cause "Receive files samples under the tenant of this header; two spellings of one header are sent in an order that nobody knows."
        see "kubectl thanos validate -f FILE --policy POLICY"
        fix "Take the header out: the gateway sets the tenant from the credential."
        silence "An exemption of the policy, with a reason.";
    IDENTITY_LABELS "KTH7017" "identity-labels" Error
        "a label that identifies the cluster is changed, removed or missing"
        cause "Samples would arrive under another identity, or none, or the entry would send nothing."
        see "kubectl thanos validate -f FILE --policy POLICY"
        fix "Leave the labels and relabel rules that the wiring sets as they are; give the labels that the policy requires."
        silence "An exemption of the policy, with a reason.";
    REPLICA_LABEL "KTH7018" "replica-label" Error
        "several replicas send without a label that tells them apart"
        cause "Receive answers 409 to the second replica's samples, again and again."
        see "kubectl thanos validate -f FILE --policy POLICY"
        fix "Set replicaExternalLabelName to a name, and do not drop it."
        silence "An exemption of the policy, with a reason.";
    INSECURE_TLS "KTH7019" "insecure-tls" Error
        "TLS is checked less than it should be"
        cause "Anyone on the way could read or change what is sent, or take the credential."
        see "kubectl thanos validate -f FILE --policy POLICY"
        fix "Take insecureSkipVerify, insecure and old versions out and give a CA; set followRedirects to false."
        silence "An exemption of the policy, with a reason.";
    EVASION "KTH7020" "evasion" Error
        "the object is out of the operator's or the webhook's sight"
        cause "Paused, unmanaged or foreign objects run a configuration that no admission has seen."
        see "kubectl thanos validate -f FILE --policy POLICY"
        fix "Take the field or annotation out, or set the one that is missing."
        silence "An exemption of the policy, with a reason.";
    OPEN_INBOUND "KTH7021" "open-inbound" Error
        "the object opens an unauthenticated way in"
        cause "Whoever reaches the pod could write samples that leave under the cluster's identity, or delete data."
        see "kubectl thanos validate -f FILE --policy POLICY"
        fix "Switch it off, or add it to spec.allow.inbound of the policy."
        silence "An exemption of the policy, with a reason.";
    LIMITS "KTH7022" "limits" Error
        "a limit is missing or larger than the policy's"
        cause "One object could take more of the shared stack than its share."
        see "kubectl thanos validate -f FILE --policy POLICY"
        fix "Set the limit to at most the policy's."
        silence "An exemption of the policy, with a reason.";
    REMOTE_WRITE_NAMES "KTH7023" "remote-write-names" Error
        "Prometheus would refuse the remote-write entries, or lose what they send"
        cause "Two entries of one name, a reserved header, two authentications or Remote Write 2.0 toward Receive."
        see "kubectl thanos validate -f FILE --policy POLICY"
        fix "Mend the entry that the path names."
        silence "An exemption of the policy, with a reason.";
    POD_CONTAINERS "KTH7024" "pod-containers" Error
        "the object changes containers or images of the pod"
        cause "A container that the object brings runs beside Prometheus, with its credentials and files."
        see "kubectl thanos validate -f FILE --policy POLICY"
        fix "Take it out, or add the image to spec.allow.images of the policy."
        silence "An exemption of the policy, with a reason.";
    RAW_ARGUMENTS "KTH7025" "raw-arguments" Error
        "the object passes raw arguments or feature flags"
        cause "They can undo any setting that admission has seen."
        see "kubectl thanos validate -f FILE --policy POLICY"
        fix "Take them out."
        silence "An exemption of the policy, with a reason.";
    HOST_ACCESS "KTH7026" "host-access" Error
        "the object reaches for its node, the network or the scheduler"
        cause "The pod could leave its tenant's place."
        see "kubectl thanos validate -f FILE --policy POLICY"
        fix "Take the field out."
        silence "An exemption of the policy, with a reason.";
    MOUNTS "KTH7027" "mounts" Error
        "the object mounts what the policy does not allow"
        cause "Secrets and files of others would be readable in the pod."
        see "kubectl thanos validate -f FILE --policy POLICY"
        fix "Take the mount out, or add its type or name to spec.allow of the policy."
        silence "An exemption of the policy, with a reason.";
    IDENTITY "KTH7028" "identity" Error
        "the object takes an identity that the policy does not allow"
        cause "A service account, a cloud identity or a role of somebody else's."
        see "kubectl thanos validate -f FILE --policy POLICY"
        fix "Use an allowed service account, or add it to spec.allow.serviceAccounts of the policy."
        silence "An exemption of the policy, with a reason.";
    OPAQUE_CONFIG "KTH7029" "opaque-config" Error
        "the object brings configuration that admission cannot see"
        cause "It lives in a Secret, a ConfigMap or a file, and can hold anything."
        see "kubectl thanos validate -f FILE --policy POLICY"
        fix "Use the operator's own objects and fields instead."
        silence "An exemption of the policy, with a reason.";
    CROSS_NAMESPACE "KTH7030" "cross-namespace" Error
        "the object looks into other namespaces"
        cause "The operator reads monitors, rules and their Secrets there with its own rights."
        see "kubectl thanos validate -f FILE --policy POLICY"
        fix "Leave the namespace selectors out and set ignoreNamespaceSelectors to true."
        silence "An exemption of the policy, with a reason.";
    MONITOR_FILE_ACCESS "KTH7031" "monitor-file-access" Error
        "monitors may read files of the pod"
        cause "A monitor could send the pod's service account token to a target."
        see "kubectl thanos validate -f FILE --policy POLICY"
        fix "Set arbitraryFSAccessThroughSMs.deny to true."
        silence "An exemption of the policy, with a reason.";
    FILE_WRITES "KTH7032" "file-writes" Error
        "the object writes files in the pod"
        cause "A path of the object's choice is written with the pod's rights."
        see "kubectl thanos validate -f FILE --policy POLICY"
        fix "Take the field out."
        silence "An exemption of the policy, with a reason.";
    OBJSTORE_REFERENCE "KTH7033" "objstore-reference" Error
        "an object-store configuration cannot be judged where it lies"
        cause "It is in a key that the webhook is not asked about, or in a file of the pod."
        see "kubectl thanos validate -f FILE --policy POLICY"
        fix "Keep it in a Secret under one of the known keys, such as objstore.yml."
        silence "An exemption of the policy, with a reason.";
    OBJSTORE_SCHEMA "KTH7034" "objstore-schema" Error
        "Thanos would refuse the object-store configuration"
        cause "Every Thanos that reads it would stop at its start."
        see "kubectl thanos validate -f FILE --policy POLICY"
        fix "Mend what the sentence names."
        silence "An exemption of the policy, with a reason.";
    OBJSTORE_SECRETLESS "KTH7035" "objstore-secretless" Error
        "the object-store configuration holds a static credential"
        cause "A key that never expires lies in a Secret."
        see "kubectl thanos validate -f FILE --policy POLICY"
        fix "Use a managed or workload identity."
        silence "An exemption of the policy, with a reason.";
    OBJSTORE_PLACE "KTH7036" "objstore-place" Error
        "the object-store configuration leads where the policy does not allow"
        cause "Blocks would be stored in, or read from, somebody else's place."
        see "kubectl thanos validate -f FILE --policy POLICY"
        fix "Use what spec.objectStorage of the policy allows."
        silence "An exemption of the policy, with a reason.";
    WRONG_CONTEXT "KTH8001" "wrong-context" Error
        "the kubeconfig's context is another than was expected"
        cause "The command names the context that it is meant for with --expect-context, and the kubeconfig's is another: nothing was done."
        see "kubectl config current-context"
        fix "Name the cluster with --context, or change what is expected."
        silence "Leave out --expect-context.";
    HUB_ANSWERS "KTH8002" "hub-answers" Error
        "the wish for a hub is wrong"
        cause "A file of the kind Hub holds a key or a value that no flag knows, a flag is missing, or two exclude each other; every fault is told at once."
        see "kubectl thanos init --help: each flag of a hub is a key of the file in camel case."
        fix "Mend each place that is named."
        silence "Not possible.";
    RELEASE_UNFINISHED "KTH8003" "release-unfinished" Warning
        "a helm was interrupted while it worked on a release"
        cause "helm was killed, or lost the cluster, and left its release pending. Until that is mended every helm refuses to touch it."
        see "helm ls -A --pending"
        fix "Nothing to do: init goes back to the revision before, or takes the unfinished first one away, and installs it anew. Make sure that no other helm works on it now."
        silence "Not possible.";
    GATEWAY_ADDRESS "KTH8004" "gateway-address" Error
        "the gateway has no address"
        cause "Nothing has given the hub's Gateway an address: its controller does not run, or the cluster gives no load balancers."
        see "kubectl get gateway -A"
        fix "Read the conditions of the Gateway. Where the cluster has no load balancer, give the address that leads there with --gateway-address."
        silence "Give --gateway-address.";
    DNS_UNRESOLVED "KTH8005" "dns-unresolved" Error
        "a host of the hub does not resolve to the gateway"
        cause "The name has no record, or one for another address, as seen from here."
        see "dig +short HOST"
        fix "Make the record that is named, and run the same command again. A record that was just changed may be remembered for its time to live."
        silence "--skip dns";
    CERTIFICATE_PENDING "KTH8006" "certificate-pending" Error
        "the gateway's certificate is not issued"
        cause "cert-manager has not got a certificate for the hub's hosts; its own words stand below. Let's Encrypt asks the host itself over http, so the DNS record comes first."
        see "kubectl describe certificate,certificaterequest,order,challenge -n NAMESPACE"
        fix "Mend what cert-manager says; it tries again by itself, and init goes on when it is run again."
        silence "Give a certificate of your own with --certificate secret:NAME.";
    HUB_NOT_READY "KTH8007" "hub-not-ready" Error
        "a part of the hub does not get ready"
        cause "Pods of the hub were not ready within the time."
        see "kubectl get pods -n NAMESPACE"
        fix "kubectl describe the pod that is named. An object store that cannot be reached ends store, compactor and ingesters with a sentence in their log."
        silence "Give it more time with --timeout.";
    SAMPLE_LOST "KTH8008" "sample-lost" Error
        "a sample that was written through the gateway is not answered by Query"
        cause "The way from the gateway to Receive, or from Query Frontend back, is broken; which part of it, and what it said, stands below."
        see "kubectl logs -n NAMESPACE -l app.kubernetes.io/component=receive-router"
        fix "Mend what is named, and run the same command again."
        silence "--wait=false proves nothing.";
    GATEWAY_OPEN "KTH8009" "gateway-open" Error
        "the gateway takes a wrong password"
        cause "A request with a wrong password was not answered with 401: no policy protects the route, or another route serves the host."
        see "kubectl get securitypolicy,httproute -A"
        fix "Take the gateway off the network until its routes are protected; then look at the conditions of both SecurityPolicies."
        silence "Not possible.";
    NOT_PROVEN "KTH8010" "not-proven" Warning
        "nothing was waited for, and nothing is proven"
        cause "--wait=false ends when everything is applied, whether it runs or not."
        see "kubectl get pods -A"
        fix "Run the same command without --wait=false: it changes nothing, waits and proves."
        silence "Leave out --wait=false.";
    INGRESS_RETIRED "KTH8011" "ingress-retired" Warning
        "ingress-nginx is retired"
        cause "Its last release was in March 2026, and it cannot derive the tenant from the user: whoever may write may write as any tenant."
        see "kubectl get pods -A -l app.kubernetes.io/name=ingress-nginx"
        fix "Leave out --ingress: Envoy Gateway is the default."
        silence "Not possible.";
    STILL_WIRED "KTH8012" "still-wired" Error
        "an object could not be un-wired"
        cause "The object still holds entries of a wiring: somebody changes it faster than it can be un-wired, or its update is refused."
        see "kubectl thanos get prometheuses -A"
        fix "Mend what the cause says, and run the same command again: nothing else is removed before everything is un-wired."
        silence "Not possible.";
    UNWIRED_DIRECTLY "KTH8013" "unwired-directly" Warning
        "objects are un-wired by patches"
        cause "No webhook answers, so the entries are taken out of the objects themselves: field managers see kubectl-thanos as the one who changed them."
        see "kubectl get prometheus NAME -o yaml --show-managed-fields"
        fix "Nothing to do. Where Git is the source, make sure that it does not hold the entries."
        silence "Not possible.";
    SHARED_PART "KTH8014" "shared-part" Info
        "a part is used by others and stays"
        cause "Another hub, or a wiring that this tool did not make, needs it."
        see "helm ls -A"
        fix "Remove the other one first."
        silence "Not possible.";
    CERTIFICATE_ABSENT "KTH8015" "certificate-absent" Warning
        "the Secret with the gateway's certificate is not there yet"
        cause "The hub is told to use a Secret of yours, and no such Secret is in its namespace: the gateway answers nobody until it is."
        see "kubectl get secret NAME -n NAMESPACE"
        fix "kubectl create secret tls NAME -n NAMESPACE --cert FILE --key FILE, with a certificate for both hosts."
        silence "Make the Secret first.";
    OBJECT_STORE_SHARED "KTH8016" "object-store-shared" Error
        "another hub keeps its blocks in the same object store"
        cause "Two hubs name the same bucket and the same prefix. Each has a compactor, and two compactors on one store make broken blocks of each other's."
        see "kubectl get secret -A -l kubectl-thanos.dev/hub"
        fix "Give this hub another bucket or container, or another prefix in its object-store file."
        silence "Not possible.";
    OBJECT_STORE_CHANGED "KTH8017" "object-store-changed" Error
        "the hub's object store would change from a file to Azure's identity, or back"
        cause "The blocks stay where they are, and nothing would answer for them any more. helm and init would also both claim the Secret that names the store."
        see "kubectl get secret NAME-objstore -n NAMESPACE --show-labels"
        fix "Make a second hub with --name and the other store, and take the first one away when its blocks are no longer asked for."
        silence "Not possible.";
    AZURE_NO_LOGIN "KTH8101" "azure-no-login" Error
        "no login to Azure works"
        cause "Neither a workload identity nor a managed identity nor the Azure CLI gives a token; each says why."
        see "az account show"
        fix "Log in with az login, or run where there is a managed or a workload identity."
        silence "Leave Azure out: kubectl thanos init --no-azure.";
    AZURE_NO_RIGHTS "KTH8102" "azure-no-rights" Error
        "the login may not do that in Azure"
        cause "It has no role that holds the action on that resource; the sentence names both."
        see "az role assignment list --assignee OBJECT-ID --all --output table"
        fix "Let an administrator run the az role assignment create of the hint, and run the same command again."
        silence "It cannot be silenced.";
    AZURE_POLICY "KTH8103" "azure-policy" Error
        "a policy or a lock in Azure forbids it"
        cause "Whoever looks after the subscription allows only certain settings, places or names, or has locked it."
        see "az policy assignment list --output table"
        fix "Make the resource by hand as the policy wants it and name it: it is adopted."
        silence "It cannot be silenced.";
    AZURE_QUOTA "KTH8104" "azure-quota" Error
        "Azure has no room for it"
        cause "A limit of the subscription or the region is reached, or the region does not offer it."
        see "az storage account list --query 'length(@)'"
        fix "Choose another region or subscription, use an account that exists, or ask for a larger quota."
        silence "It cannot be silenced.";
    AZURE_NAME_TAKEN "KTH8105" "azure-name-taken" Error
        "the name belongs to somebody else"
        cause "Names of storage accounts are unique in all of Azure, and this one is in another subscription, or is no valid name."
        see "az storage account check-name --name NAME"
        fix "Choose another name: 3 to 24 lower-case letters and digits."
        silence "It cannot be silenced.";
    AZURE_NOT_FOUND "KTH8106" "azure-not-found" Error
        "something that must exist in Azure does not"
        cause "The subscription, the AKS cluster or the DNS zone is not there, or the login does not see it."
        see "az account list --output table; az aks list --output table"
        fix "Check the name, or log in to the right tenant and subscription."
        silence "It cannot be silenced.";
    AZURE_CONFLICT "KTH8107" "azure-conflict" Error
        "Azure is at odds with what is there"
        cause "Something else changes the same resource, or it exists with settings that cannot be changed."
        see "az resource show --ids ID"
        fix "Wait until the other change is done and run the same command again."
        silence "It cannot be silenced.";
    AZURE_THROTTLED "KTH8108" "azure-throttled" Error
        "Azure answers that there are too many requests"
        cause "The subscription's or the login's share is used up, and stayed so while it was asked again."
        see "az monitor activity-log list --max-events 20"
        fix "Run the same command again in a few minutes: it goes on where it stopped."
        silence "It cannot be silenced.";
    AZURE_UNREACHABLE "KTH8109" "azure-unreachable" Error
        "Azure does not answer"
        cause "DNS, a proxy, a firewall or TLS is in the way, or the address is not the one of this cloud."
        see "curl -sS https://management.azure.com/metadata/endpoints?api-version=2020-09-01"
        fix "Set HTTPS_PROXY where one is needed, and AZURE_AUTHORITY_HOST for another cloud than the public one."
        silence "It cannot be silenced.";
    AZURE_REFUSED "KTH8110" "azure-refused" Error
        "Azure refuses the request or fails at it"
        cause "The sentence is Azure's own."
        see "az monitor activity-log list --correlation-id ID"
        fix "Mend what the sentence names, and run the same command again: it goes on where it stopped."
        silence "It cannot be silenced.";
    AZURE_NO_ISSUER "KTH8111" "azure-no-issuer" Error
        "the AKS cluster has no workload identity"
        cause "Its OIDC issuer or its workload-identity webhook is switched off, so no pod can be the identity of Thanos."
        see "az aks show -g GROUP -n NAME --query '[oidcIssuerProfile,securityProfile.workloadIdentity]'"
        fix "az aks update -g GROUP -n NAME --enable-oidc-issuer --enable-workload-identity"
        silence "Use the nodes' identity instead, which every pod on them can be.";
    AZURE_LATE "KTH8112" "azure-late" Error
        "Azure has not finished in time"
        cause "A new identity, role or resource is not seen everywhere yet; that takes minutes, rarely more."
        see "az resource show --ids ID --query properties.provisioningState"
        fix "Run the same command again in a few minutes: it goes on where it stopped."
        silence "It cannot be silenced.";
    AZURE_GRAFANA "KTH8113" "azure-grafana" Error
        "Grafana refuses a data source, a dashboard or an alert rule"
        cause "Something of the same name is there that is not ours, or the workspace does not take it."
        see "az grafana data-source list -n NAME --output table"
        fix "Rename or delete what is in the way, and run the same command again."
        silence "Leave Grafana out: --skip grafana.";
    AZURE_NOT_REGISTERED "KTH8114" "azure-not-registered" Error
        "the subscription has never used that part of Azure"
        cause "A resource provider must be registered once in every subscription."
        see "az provider list --query \"[?registrationState!='Registered'].namespace\""
        fix "az provider register --wait --namespace NAMESPACE"
        silence "It cannot be silenced.";
    AZURE_STORAGE_UNREACHABLE "KTH8115" "azure-storage-unreachable" Error
        "the container cannot be reached"
        cause "The storage account's network rules keep the machine out, its name does not resolve, or the container is gone."
        see "az storage blob list --auth-mode login --account-name NAME --container-name NAME --num-results 1"
        fix "Let the network in, or run from inside it."
        silence "It cannot be silenced.";
    AZURE_NOT_OURS "KTH8116" "azure-not-ours" Error
        "something in Azure belongs to somebody else"
        cause "A DNS record, an identity or a federated credential of that name exists, leads elsewhere, and does not carry this hub's tag."
        see "az network dns record-set a list -g GROUP -z ZONE --output table"
        fix "Choose another name, or delete it if nobody needs it."
        silence "It cannot be silenced.";
    AZURE_ARTICLE_ROLES "KTH8117" "azure-article-roles" Warning
        "the article's role gives away the account's keys"
        cause "Reader and Data Access may list the keys of the account, and so read and write every container of it; Thanos needs no more than the blob role on its container."
        see "az role assignment list --scope ACCOUNT-ID --output table"
        fix "Leave --article-roles out."
        silence "Leave --article-roles out.";
    AZURE_UNSAFE "KTH8118" "azure-unsafe" Warning
        "what is adopted is less safe than what would be made"
        cause "The storage account takes shared keys, old TLS or public blobs, or the container can be read by anybody; others may depend on it, so it stays as it is."
        see "az storage account show --name NAME"
        fix "az storage account update --name NAME --allow-shared-key-access false --allow-blob-public-access false --min-tls-version TLS1_2"
        silence "Change the account, or let a new one be made.";
    AZURE_EVERY_POD "KTH8119" "azure-every-pod" Warning
        "every pod of the cluster can be the identity of Thanos"
        cause "The nodes' identity is handed to whatever pod asks the node for it."
        see "kubectl get pods --all-namespaces"
        fix "Use the workload identity, which is the default."
        silence "Use the workload identity.";
    AZURE_OTHER_CLUSTER "KTH8120" "azure-other-cluster" Warning
        "the AKS cluster that was named does not look like the one of the kubeconfig"
        cause "The kubeconfig's server is no address of the AKS cluster that --aks-cluster names. Charts go where the kubeconfig leads; the identity is for pods of the cluster that was named."
        see "az aks show --resource-group GROUP --name NAME --query '[fqdn, privateFqdn]'; kubectl config view --minify"
        fix "Name the context with --context, or leave out --aks-cluster: the cluster is then found by its address."
        silence "Leave out --aks-cluster.";
    AZURE_NOT_LISTED "KTH8121" "azure-not-listed" Warning
        "what a hub has in Azure cannot be listed"
        cause "The hub runs as an identity of Azure, and uninstall has no login there, or not the rights to look. The rest goes all the same; nothing in Azure is ever deleted."
        see "az account show"
        fix "az login, and uninstall --subscription UUID; or az resource list --tag kubectl-thanos=HUB -o table"
        silence "Log in.";
    HELM_MISSING "KTH8201" "helm-missing" Error
        "there is no helm"
        cause "Charts are installed by the helm program, so that helm knows of them, and none can be run."
        see "helm version"
        fix "Install helm 3.14 or newer, or 4: https://helm.sh/docs/intro/install/"
        silence "--export DIR writes the values and needs helm only to render them.";
    HELM_TOO_OLD "KTH8202" "helm-too-old" Error
        "helm is too old"
        cause "init labels its releases, so that a second run knows what is there; helm can do that from 3.14 on."
        see "helm version"
        fix "Install helm 3.14 or newer, or 4: https://helm.sh/docs/intro/install/"
        silence "Not possible.";
    HELM_FAILED "KTH8203" "helm-failed" Error
        "helm failed"
        cause "What helm said stands below: the chart cannot be fetched, does not take the values, or the API server refuses an object of it."
        see "helm history RELEASE -n NAMESPACE"
        fix "Mend what it says, and run the same command again: it goes on where it stopped. --chart PART=PATH takes a chart from elsewhere, --values PART=FILE sets its values."
        silence "Not possible.";
    VERSION_UNKNOWN "KTH9001" "version-unknown" Warning
        "the version that will run is not known"
        cause "The object names no version that can be read, and the installed CRDs carry no operator version that is known."
        see "kubectl get crd prometheuses.monitoring.coreos.com -o jsonpath='{.metadata.annotations}'"
        fix "Set spec.version of the object, or operatorVersion in the facts file."
        silence "Set spec.version of the object.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_complete_and_stands_once_in_order() {
        for pair in CODES.windows(2) {
            assert!(
                pair[0].code < pair[1].code,
                "{} before {}",
                pair[0],
                pair[1]
            );
        }
        for row in CODES {
            assert!(
                row.code.len() == 7
                    && row.code.starts_with("KTH")
                    && row.code[3..].chars().all(|c| c.is_ascii_digit()),
                "{row}"
            );
            assert_eq!(
                CODES.iter().filter(|other| other.id == row.id).count(),
                1,
                "{row}"
            );
            for text in [
                row.title,
                row.cause,
                row.see,
                row.fix,
                row.silence,
                row.since,
            ] {
                assert!(!text.trim().is_empty(), "{row}");
            }
            assert!(
                !row.title.ends_with('.') && row.cause.ends_with('.'),
                "{row}"
            );
        }
    }

    #[test]
    fn events_have_the_names_of_kubernetes() {
        assert_eq!(NOT_ENROLLED.event_reason(), "NotEnrolled");
        assert_eq!(Code::find("kth2009"), Some(NOT_ENROLLED));
        assert_eq!(Code::find("not-enrolled"), Some(NOT_ENROLLED));
        assert_eq!(Code::find("KTH9999"), None);
    }
}
