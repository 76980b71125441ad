//! Which of the two forms of `init` was typed: a hub, or a member of one.

use std::io::Read;
use std::path::Path;

use thanos_core::codes;

use super::hub::answers::{self, Answers};
use crate::cli::{HubArgs, InitArgs};
use crate::failure::Failure;
use crate::inputs;
use crate::ui::Ui;

const HUB: &str = "a hub:    kubectl thanos init --domain DOMAIN --no-azure --objstore-file FILE";
const MEMBER: &str =
    "a member: kubectl thanos init --cluster NAME --url URL --namespaces NAMESPACE";

/// One of the two.
pub(super) enum Form {
    /// `--url`, or a file with a ThanosWiring.
    Member,
    /// `--domain` and its like.
    Hub,
    /// A file of the kind Hub.
    Answers(Box<Answers>),
}

/// Tells.
///
/// # Errors
/// Neither was typed (KTH0002): both are shown. A file of answers has faults (KTH8002).
pub(super) fn form(args: &InitArgs, ui: &mut Ui<'_>) -> Result<Form, Failure> {
    let hub = &args.hub;
    let names_a_hub = hub.domain.is_some() || hub.write_host.is_some() || hub.read_host.is_some();
    let form = match &args.filename {
        Some(path) => of_file(path, args, ui)?,
        None if args.wiring.url.is_some() => Form::Member,
        None if names_a_hub => Form::Hub,
        None => return Err(neither(args)),
    };
    if matches!(form, Form::Member) && *hub != HubArgs::default() {
        let sentence = "flags of a hub stand beside the wiring of a member";
        return Err(Failure::usage(sentence).hint(HUB).hint(MEMBER));
    }
    Ok(form)
}

fn neither(args: &InitArgs) -> Failure {
    let hub = &args.hub;
    let mut failure = Failure::usage("neither a hub nor a member is named");
    if hub.no_azure || hub.objstore_file.is_some() || hub.azure.subscription.is_some() {
        failure = Failure::usage("a hub has a domain: --domain is needed");
    } else if args.wiring.cluster.is_some() {
        failure = Failure::usage("a member has a hub: --url is needed");
    }
    failure.hint(HUB).hint(MEMBER)
}

/// What stands in the file says which. Standard input can be read only once, and is a wiring.
fn of_file(path: &Path, args: &InitArgs, ui: &mut Ui<'_>) -> Result<Form, Failure> {
    if path == Path::new("-") {
        return Ok(Form::Member);
    }
    let mut nothing: &[u8] = &[];
    let nothing: &mut dyn Read = &mut nothing;
    let inputs = inputs::read(&[path.to_owned()], nothing)?;
    let documents: Vec<_> = inputs.iter().flat_map(|input| &input.documents).collect();
    let mut hubs = documents
        .iter()
        .filter(|document| document.value()["kind"] == answers::KIND);
    let Some(hub) = hubs.next() else {
        return Ok(Form::Member);
    };
    if documents.len() > 1 {
        let failure = Failure::usage(format!("{} holds more than one document", path.display()));
        return Err(failure.code(codes::HUB_ANSWERS));
    }
    ui.detail(format!("{} holds the answers for a hub", path.display()));
    answers::read(path, hub, args).map(|answers| Form::Answers(Box::new(answers)))
}
