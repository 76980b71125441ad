//! Our verdict on objstore files against Thanos' own: `tests/tools/objstore-oracle` is built around the package that it
//! links, and some go through the real program.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use serde::Deserialize;
use thanos_core::objstore::{Judged, judge};
use thanos_tests::tools;

use crate::yaml::random::Random;

mod canary;
mod fields;
mod make;
mod program;
mod providers;

pub(crate) use canary::seeded;

/// Where Thanos and we differ on purpose: by a part of what one of them says, and why. docs/objstore.md has them too.
///
/// A file that we refuse and Thanos takes.
const WE_REFUSE: &[(&str, &str)] = &[
    (
        "an alias: write",
        "an objstore file needs none, and a bomb of aliases must not reach the webhook",
    ),
    ("a tag: write", "the same"),
    ("a merge key", "nobody needs one without aliases"),
    ("more than 64 KiB", "the webhook reads this for everybody"),
    ("more than 2 000 nodes", "the same"),
    ("nested more than 32 levels deep", "the same"),
    (
        "a byte order mark inside",
        "goyaml.v2 makes it part of a key, which nobody means",
    ),
    (
        "found unexpected ':'",
        "libyaml refuses what goyaml.v2 takes for text that ends in a colon",
    ),
    (
        "found unknown escape character",
        "goyaml.v2 alone knows \\'",
    ),
    (
        "a tag must be followed by a space",
        "goyaml.v2 makes the comma part of the tag",
    ),
    (
        "did not find expected whitespace or line break",
        "and brackets",
    ),
    ("did not find expected tag URI", "and brackets"),
    (
        "is not UTF-8",
        "goyaml.v2 reads UTF-16 too, which no chart writes",
    ),
];

/// A file that Thanos refuses and we take.
const THANOS_REFUSES: &[(&str, &str)] = &[
    (
        "found unknown escape character",
        "JSON has \\/, so YAML 1.2 and libyaml do",
    ),
    (
        "unable to load specified CA cert",
        "files are in the pod and not here",
    ),
    ("unable to use specified client cert", "the same"),
    ("no such file or directory", "the same"),
    (
        "failed to parse private key",
        "what is inside a private key is not judged",
    ),
];

#[derive(Debug, Deserialize)]
struct Answer {
    accepted: bool,
    #[serde(default)]
    error: String,
    #[serde(default)]
    network: bool,
}

/// Asks Thanos' own constructor about each file.
fn thanos<T: AsRef<[u8]>>(files: &[T]) -> Vec<Answer> {
    let mut child = Command::new(tools::tool("objstore-oracle").unwrap())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut requests = Vec::new();
    for file in files {
        let file = file.as_ref();
        requests.extend(format!("{}\n", file.len()).into_bytes());
        requests.extend(file);
    }
    // Both pipes are bounded, so somebody has to write while somebody reads.
    let writer = std::thread::spawn(move || input.write_all(&requests));
    let answers: Vec<Answer> = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
        .collect();
    writer.join().unwrap().unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(answers.len(), files.len());
    answers
}

/// Whether Thanos' own constructor takes this one.
pub(crate) fn accepted(file: &str) -> bool {
    let answers = thanos(&[file]);
    answers
        .iter()
        .all(|answer| answer.accepted || answer.network)
}

/// What a file may name: a key and certificates as a pod would hold them.
struct Pod {
    folder: tempfile::TempDir,
    key: String,
}

impl Pod {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(["x".to_owned()]).unwrap();
        let write =
            |name: &str, content: &str| std::fs::write(folder.path().join(name), content).unwrap();
        write("ca.pem", &made.cert.pem());
        write("cert.pem", &made.cert.pem());
        write("key.pem", &made.signing_key.serialize_pem());
        write("key32", &"k".repeat(32));
        let printed = Command::new(tools::tool("objstore-oracle").unwrap())
            .arg("key")
            .output()
            .unwrap();
        Self {
            folder,
            key: String::from_utf8(printed.stdout).unwrap(),
        }
    }

    /// Puts the real names where the generator left marks.
    fn fill(&self, text: &str) -> String {
        let path = |name: &str| self.folder.path().join(name).display().to_string();
        let mut text = text
            .replace("@CA@", &path("ca.pem"))
            .replace("@CERT@", &path("cert.pem"))
            .replace("@KEY@", &path("key.pem"))
            .replace("@KEY32@", &path("key32"));
        for column in 0..12 {
            let indent = " ".repeat(column + 1);
            let key: String = self
                .key
                .lines()
                .map(|line| format!("{indent}{line}\n"))
                .collect();
            text = text.replace(&format!("@PEM@{column}\n"), &key);
        }
        text.replace("@PEM@", "'-----BEGIN'")
    }
}

/// Whether the two say the same, or differ as they are meant to.
fn agree(ours: &Judged, theirs: &Answer, file: &str) -> bool {
    let sentences = || ours.faults.iter().map(|fault| fault.sentence.as_str());
    match (ours.faults.is_empty(), theirs.accepted) {
        (true, true) | (false, false) => true,
        (false, true) => {
            sentences().any(|sentence| WE_REFUSE.iter().any(|(part, _)| sentence.contains(part)))
        }
        // A variable's content is known where Thanos runs.
        (true, false) => {
            file.contains("$(")
                || THANOS_REFUSES
                    .iter()
                    .any(|(part, _)| theirs.error.contains(part))
        }
    }
}

fn cases() -> usize {
    let given = std::env::var("THANOS_CASES").ok();
    given.and_then(|given| given.parse().ok()).unwrap_or(5000)
}

#[test]
fn files_are_judged_as_thanos_judges_them() {
    let pod = Pod::new();
    let mut random = Random::new(17);
    let files: Vec<String> = (0..cases())
        .map(|_| pod.fill(&make::file(&mut random)))
        .collect();
    let answers = thanos(&files);
    let (mut found, mut accepted, mut network) = (Vec::new(), 0, 0);
    for (file, theirs) in files.iter().zip(&answers) {
        let ours = judge(file.as_bytes());
        accepted += usize::from(theirs.accepted);
        network += usize::from(theirs.network);
        assert_eq!(ours.config.is_some(), ours.faults.is_empty(), "{file}");
        if !agree(&ours, theirs, file) {
            let told: Vec<String> = ours.faults.iter().map(ToString::to_string).collect();
            found.push(format!(
                "{file}\n  ours:   {told:?}\n  thanos: {theirs:?}\n----\n"
            ));
        }
    }
    println!(
        "{} files, Thanos accepts {accepted}, {network} of them up to a connection",
        files.len()
    );
    assert!(
        found.is_empty(),
        "{} of {}\n{}",
        found.len(),
        files.len(),
        found.iter().take(25).cloned().collect::<String>()
    );
    // A generator that makes only wrong files would agree all the time.
    assert!(
        accepted * 5 > files.len() && accepted * 5 < files.len() * 4,
        "{accepted}"
    );
}

/// A file for each difference, so that the lists hold nothing that is none.
#[test]
fn every_intended_difference_is_one() {
    let whole = |config: &str| format!("type: FILESYSTEM\nconfig:\n  directory: /d\n{config}");
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let utf16: Vec<u8> = std::iter::once(0xfeff)
        .chain(whole("").encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let refused: [(&str, Vec<u8>); 13] = [
        ("an alias: write", whole("  a: &n v\n  b: *n\n").into()),
        ("a tag: write", whole("  a: !!str v\n").into()),
        ("a merge key", whole("  <<: {a: b}\n").into()),
        (
            "more than 64 KiB",
            whole(&format!("#{}\n", "x".repeat(70_000))).into(),
        ),
        (
            "more than 2 000 nodes",
            whole(&format!("  a: [{}1]\n", "1, ".repeat(2000))).into(),
        ),
        (
            "nested more than 32 levels deep",
            whole(&format!("  a: {}\n", nested(40))).into(),
        ),
        (
            "a byte order mark inside",
            "type: FILESYSTEM\nconfig: {directory: /d,\n\u{feff}b: 2}\n".into(),
        ),
        ("found unexpected ':'", whole("  a: [b:]\n").into()),
        (
            "found unknown escape character",
            whole("  a: \"it\\'s\"\n").into(),
        ),
        (
            "a tag must be followed by a space",
            whole("  a: [!x, 1]\n").into(),
        ),
        (
            "did not find expected whitespace or line break",
            whole("  a: ![x] 1\n").into(),
        ),
        (
            "did not find expected tag URI",
            whole("  a: !!] 1\n").into(),
        ),
        ("is not UTF-8", utf16),
    ];
    assert_eq!(refused.len(), WE_REFUSE.len());
    let files: Vec<&[u8]> = refused.iter().map(|(_, file)| file.as_slice()).collect();
    for ((part, file), theirs) in refused.iter().zip(thanos(&files)) {
        let faults = judge(file).faults;
        let is_it = faults.iter().any(|fault| fault.sentence.contains(part));
        assert!(is_it && theirs.accepted, "{part}: {faults:?}, {theirs:?}");
        assert!(WE_REFUSE.iter().any(|(known, _)| known == part));
    }
    let s3 = |config: &str| format!("type: S3\nconfig: {{endpoint: e, {config}}}\n");
    let key = "-----BEGIN RSA PRIVATE KEY-----\n    aGk=\n    -----END RSA PRIVATE KEY-----";
    let taken = [
        whole("  a: \"b\\/c\"\n"),
        s3("http_config: {tls_config: {ca_file: /none}}"),
        s3("http_config: {tls_config: {cert_file: /none, key_file: /none}}"),
        s3("sse_config: {type: SSE-C, encryption_key: /none}"),
        format!(
            "type: OCI\nconfig:\n  provider: raw\n  tenancy_ocid: t\n  user_ocid: u\n  region: r\n  fingerprint: f\n  privatekey: |\n    {key}\n"
        ),
        s3("insecure: $(INSECURE)"),
    ];
    assert_eq!(taken.len(), THANOS_REFUSES.len() + 1);
    for (file, theirs) in taken.iter().zip(thanos(&taken)) {
        let ours = judge(file.as_bytes());
        let differs = ours.faults.is_empty() && !theirs.accepted && agree(&ours, &theirs, file);
        assert!(differs, "{file}\n{ours:?}\n{theirs:?}");
    }
}

/// Asked alone: whether Google's client panics over it depends on what its process did before.
#[test]
fn an_oauth_client_is_judged_as_a_fresh_process_judges_it() {
    for uses_grpc in ["true", "false"] {
        let client = r#"'{"web":{"redirect_uris":["x"]}}'"#;
        let file = format!(
            "type: GCS\nconfig: {{bucket: b, use_grpc: {uses_grpc}, service_account: {client}}}\n"
        );
        let theirs = thanos(&[&file]);
        assert!(
            agree(&judge(file.as_bytes()), &theirs[0], &file),
            "{theirs:?}"
        );
    }
}
