//! Files that the command line names, read as documents; every way in which they can be wrong as one [`Failure`].

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thanos_core::codes;

use crate::failure::Failure;
use crate::manifests::{self, Document, Error, GatherError, Source};
use crate::ui::Ui;

/// One source with its documents.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) source: Arc<Source>,
    pub(crate) documents: Vec<Document>,
}

/// Reads everything that the paths name.
///
/// # Errors
/// What cannot be read (KTH0005), every document that is no YAML (KTH0004), and a folder without manifests (KTH0003).
pub(crate) fn read(paths: &[PathBuf], stdin: &mut dyn Read) -> Result<Vec<Input>, Failure> {
    let sources = manifests::gather(paths, stdin).map_err(|error| ungathered(&error))?;
    let mut inputs = Vec::with_capacity(sources.len());
    let mut errors = Vec::new();
    for source in sources {
        let source = Arc::new(source);
        match manifests::read(&source) {
            Ok(documents) => inputs.push(Input { source, documents }),
            Err(more) => errors.extend(more),
        }
    }
    if errors.is_empty() {
        Ok(inputs)
    } else {
        Err(unreadable(&errors))
    }
}

/// One source, and what it holds or why it cannot be read.
#[derive(Debug)]
pub(crate) enum Sheet {
    /// Read.
    Read(Input),
    /// No text, or no YAML: every error with its place.
    Unreadable(Vec<Error>),
}

/// Reads everything that the paths name, the readable beside what is not.
///
/// # Errors
/// What cannot be opened (KTH0005), and a folder without manifests (KTH0003).
pub(crate) fn sheets(paths: &[PathBuf], stdin: &mut dyn Read) -> Result<Vec<Sheet>, Failure> {
    let sources = manifests::gather_each(paths, stdin).map_err(|error| ungathered(&error))?;
    let sheet = |source: Result<Source, Error>| match source {
        Err(error) => Sheet::Unreadable(vec![error]),
        Ok(source) => {
            let source = Arc::new(source);
            match manifests::read(&source) {
                Ok(documents) => Sheet::Read(Input { source, documents }),
                Err(errors) => Sheet::Unreadable(errors),
            }
        }
    };
    Ok(sources.into_iter().map(sheet).collect())
}

/// The texts that the paths name, whatever they hold.
///
/// # Errors
/// What cannot be opened (KTH0005), and a folder without files of ours (KTH0003).
pub(crate) fn texts(
    paths: &[PathBuf],
    stdin: &mut dyn Read,
) -> Result<Vec<Result<Source, Error>>, Failure> {
    manifests::gather_each(paths, stdin).map_err(|error| ungathered(&error))
}

/// Says which folders in the named ones are not looked into: a verdict on files must not seem to cover them.
pub(crate) fn note_folders(paths: &[PathBuf], ui: &mut Ui<'_>) {
    let mut inner: Vec<PathBuf> = paths
        .iter()
        .filter_map(|path| path.read_dir().ok())
        .flat_map(|entries| entries.flatten().map(|entry| entry.path()))
        .filter(|path| path.is_dir() && !is_hidden(path))
        .filter(|path| !paths.contains(path))
        .collect();
    inner.sort();
    inner.dedup();
    let Some(first) = inner.first() else { return };
    let more = match inner.len() {
        1 => String::new(),
        count => format!(" and {} more", count - 1),
    };
    ui.note(format!(
        "folders in folders are not descended into: name {}{more} with a flag of its own",
        first.display()
    ));
}

fn is_hidden(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with('.'))
}

/// Documents that cannot be read, each with its place and never with its content.
pub(crate) fn unreadable(errors: &[Error]) -> Failure {
    Failure::all(
        codes::UNREADABLE_YAML,
        errors.iter().map(ToString::to_string),
    )
}

fn ungathered(error: &GatherError) -> Failure {
    match error {
        GatherError::EmptyFolder { .. } => Failure::usage(error.to_string())
            .code(codes::NO_INPUTS)
            .hint("name the files themselves, or pipe manifests into -f -"),
        GatherError::StandardInputTwice => Failure::usage(error.to_string()),
        GatherError::TooLarge => Failure::failed(error.to_string()).code(codes::UNREADABLE_YAML),
        GatherError::NoText(error) => unreadable(std::slice::from_ref(error)),
        GatherError::Io { name, source } => Failure::failed(format!("cannot read {name}"))
            .code(codes::FILE_UNREADABLE)
            .because(source),
    }
}
