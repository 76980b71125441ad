//! `kubectl thanos inject`: manifests in, wired manifests out.
//!
//! gather → look → judge each object → splice the edits → print or write → report.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use json_patch::PatchOperation;
use thanos_core::codes;

use crate::cli::{FailOn, Global, InjectArgs};
use crate::cluster::Cluster;
use crate::facts::Known;
use crate::failure::{Ending, Failure};
use crate::files::Opened;
use crate::inputs::{self, Input};
use crate::judge::{Finding, Judge, Judged, kind_of};
use crate::manifests::{self, Document};
use crate::paths;
use crate::runtime;
use crate::ui::Ui;

mod file;
pub(crate) mod findings;
mod misuse;
mod output;
mod release;
mod report;

pub(crate) use misuse::report_misuse;
use report::Report;

/// One object that was judged, and where it stands.
pub(crate) struct Done<'a> {
    pub(crate) judged: Judged,
    pub(crate) document: &'a Document,
    /// The JSON pointer to it in its document.
    pub(crate) pointer: String,
    /// What is done to it, in a few words.
    pub(crate) changes: Vec<String>,
    /// Its keys that stand twice, each with its place.
    pub(crate) duplicates: Vec<Finding>,
    /// Whether comments of its document were lost.
    pub(crate) comments_lost: bool,
}

impl Done<'_> {
    /// Its edits, below the object itself.
    pub(crate) fn edits(&self) -> &[PatchOperation] {
        self.judged.decision.edits()
    }
}

/// A document that changes, its edits and its new text.
pub(crate) struct Rewrite<'a> {
    pub(crate) document: &'a Document,
    pub(crate) edits: Vec<PatchOperation>,
    pub(crate) text: String,
}

/// All that was done, in the order of the inputs.
pub(crate) struct Work<'a> {
    pub(crate) inputs: &'a [Input],
    pub(crate) done: Vec<Done<'a>>,
    pub(crate) rewrites: Vec<Rewrite<'a>>,
    /// Objects of other kinds.
    pub(crate) passed: usize,
    /// What is no object at all, each with its place.
    pub(crate) strays: Vec<Finding>,
}

/// Runs the verb.
pub(crate) fn run(args: &InjectArgs, global: &Global, ui: &mut Ui<'_>) -> Result<Ending, Failure> {
    let filenames = args.filenames();
    let reads = paths::of_world(&filenames, &args.world);
    paths::apart("--report-file", args.report_file.as_deref(), &reads)?;
    let ended = paths::stdin_once(&reads).and_then(|()| wire(args, &filenames, global, ui));
    match (ended, &args.report_file) {
        // Helm hides what its post-renderer says: the file is all that a user sees.
        (Err(failure), Some(path)) => Err(file::failed(path, failure)),
        (ended, _) => ended,
    }
}

fn wire(
    args: &InjectArgs,
    filenames: &[PathBuf],
    global: &Global,
    ui: &mut Ui<'_>,
) -> Result<Ending, Failure> {
    if args.revert && args.fail_on == Some(FailOn::Unwired) {
        let sentence = "--fail-on unwired finds every object that --revert has un-wired";
        return Err(Failure::usage(sentence));
    }
    if args.in_place && args.filenames.iter().any(|path| path == Path::new("-")) {
        return Err(Failure::usage("standard input cannot be edited in place")
            .hint("leave out --in-place, or name files"));
    }
    let inputs = inputs::read(filenames, ui.stdin())?;
    if args.post_render {
        release::is_known(args, global, &inputs)?;
    }
    let known = look(args, global, &inputs, ui)?;
    known.tell_warnings(ui);
    let judge = if args.revert {
        Judge::reverting(&known)
    } else {
        Judge::new(&known).around(namespaces(&inputs, &known.namespace))
    };
    let work = work_on(&inputs, &judge, args.post_render)?;
    let found = findings::count(&work.done, args.fail_on);
    let report = Report::of(&work, &known, args, findings::sentence(found, args));
    // Whatever can go wrong with it goes wrong before anything is written.
    let file = args.report_file.as_deref();
    let file = file
        .map(|path| Opened::prepare(path, &report.written(path)))
        .transpose()?;
    if !args.in_place {
        output::print(&work, args, ui)?;
    } else if found == 0 {
        output::in_place(&work)?;
    }
    report.tell(ui);
    if let Some(file) = file {
        file.keep()?;
    }
    Ok(report.conclude(ui))
}

fn look(
    args: &InjectArgs,
    global: &Global,
    inputs: &[Input],
    ui: &mut Ui<'_>,
) -> Result<Known, Failure> {
    if args.revert {
        return Ok(Known::nothing(global, ui));
    }
    if !args.world.live {
        return Known::of_files(&args.world, global, ui);
    }
    runtime::wait(global, async {
        let cluster = Cluster::connect(global, ui.journal()).await?;
        let namespaces = namespaces(inputs, cluster.namespace());
        Known::of_cluster(&args.world, &cluster, &namespaces, ui).await
    })
}

/// The namespaces of all objects of our kinds.
pub(crate) fn namespaces<'i>(
    inputs: impl IntoIterator<Item = &'i Input>,
    default: &str,
) -> BTreeSet<String> {
    let documents = inputs.into_iter().flat_map(|input| &input.documents);
    let objects = documents
        .flat_map(Document::objects)
        .filter(|object| kind_of(object.value).is_some());
    objects
        .map(|object| {
            let named = object
                .value
                .pointer("/metadata/namespace")
                .and_then(|namespace| namespace.as_str());
            named
                .filter(|namespace| !namespace.is_empty())
                .unwrap_or(default)
                .to_owned()
        })
        .collect()
}

/// Judges every object and splices the edits into the documents.
pub(crate) fn work<'a>(inputs: &'a [Input], judge: &Judge<'_>) -> Result<Work<'a>, Failure> {
    work_on(inputs, judge, false)
}

/// The same, where helm may have written into the objects what it takes out again.
fn work_on<'a>(inputs: &'a [Input], judge: &Judge<'_>, by_helm: bool) -> Result<Work<'a>, Failure> {
    let documents: Vec<&Document> = inputs.iter().flat_map(|input| &input.documents).collect();
    let mut work = Work {
        inputs,
        done: Vec::new(),
        rewrites: Vec::new(),
        passed: 0,
        strays: Vec::new(),
    };
    for part in manifests::spread(&documents, |document| part(document, judge, by_helm)) {
        let part = part?;
        work.done.extend(part.done);
        work.rewrites.extend(part.rewrite);
        work.passed += part.passed;
        work.strays.extend(part.strays);
    }
    Ok(work)
}

/// What is done with one document.
struct Part<'a> {
    done: Vec<Done<'a>>,
    rewrite: Option<Rewrite<'a>>,
    passed: usize,
    strays: Vec<Finding>,
}

fn part<'a>(document: &'a Document, judge: &Judge<'_>, by_helm: bool) -> Result<Part<'a>, Failure> {
    let mut part = Part {
        done: Vec::new(),
        rewrite: None,
        passed: 0,
        strays: Vec::new(),
    };
    let mut edits = Vec::new();
    for object in document.objects() {
        let lent = Some(object.value)
            .filter(|_| by_helm)
            .and_then(release::without_helms);
        let Some(judged) = judge.judge(lent.as_ref().unwrap_or(object.value)) else {
            part.passed += 1;
            part.strays.extend(findings::stray(document, &object));
            continue;
        };
        let own = judged.decision.edits();
        let within = manifests::within(&object.pointer, own);
        edits.extend(match lent {
            Some(_) => release::beside_helms(within, object.pointer.as_str()),
            None => within,
        });
        part.done.push(Done {
            changes: crate::judge::changes(object.value, own),
            duplicates: findings::duplicates(document, object.pointer.as_str()),
            document,
            pointer: object.pointer.as_str().to_owned(),
            judged,
            comments_lost: false,
        });
    }
    if !edits.is_empty() {
        let rewritten = manifests::rewrite(document, &edits).map_err(|error| {
            let place = format!("{}:{}", document.source().name(), document.first_line());
            Failure::failed(format!("{place}: the edits do not fit"))
                .code(codes::BUG)
                .because(error)
        })?;
        for done in &mut part.done {
            done.comments_lost = rewritten.comments_lost && !done.edits().is_empty();
        }
        part.rewrite = Some(Rewrite {
            document,
            edits,
            text: rewritten.text,
        });
    }
    Ok(part)
}
