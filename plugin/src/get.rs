//! `kubectl thanos get`: wirings with their namespaces, policies with what breaks them, and objects with why each is wired or not.
//!
//! Every format shows one model: what is in the table is in the JSON.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use thanos_core::{codes, names};

use crate::cli::{GetArgs, GetFormat, GetWhat, Global};
use crate::cluster::Cluster;
use crate::failure::{Ending, Failure};
use crate::ui::{self, Ui};
use crate::yaml;

mod age;
mod objects;
mod policies;
mod wirings;

/// What a row is called, and what it says.
trait Row: Serialize {
    /// The list's kind in JSON and YAML.
    const LIST: &'static str;

    /// `kind.group/name`.
    fn title(&self) -> String;

    /// Its name alone.
    fn name(&self) -> &str;
}

/// A table: upper-case headers and the cells below.
#[derive(Debug, Default)]
struct Table {
    headers: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

/// Runs the verb.
pub(crate) async fn run(
    args: &GetArgs,
    global: &Global,
    ui: &mut Ui<'_>,
) -> Result<Ending, Failure> {
    let cluster = Cluster::connect(global, ui.journal()).await?;
    let wide = args.output == GetFormat::Wide;
    let now = ui.surroundings().now;
    match args.what {
        GetWhat::Wirings => {
            let rows = named(wirings::rows(&cluster).await?, args)?;
            let tables = [wirings::table(&rows, wide, now), wirings::namespaces(&rows)];
            show(&rows, &tables, "No wirings found.", args, ui)
        }
        GetWhat::Policies => {
            let rows = named(policies::rows(&cluster).await?, args)?;
            let tables = [policies::table(&rows, wide, now), policies::objects(&rows)];
            show(&rows, &tables, "No policies found.", args, ui)
        }
        GetWhat::Prometheuses => {
            let namespace = (!args.all_namespaces).then(|| cluster.namespace().to_owned());
            let rows = named(
                objects::rows(&cluster, namespace.as_deref(), ui).await?,
                args,
            )?;
            let nothing = namespace.map_or_else(
                || "No Prometheus objects found.".to_owned(),
                |namespace| {
                    format!(
                        "No Prometheus objects found in namespace {namespace}; -A looks everywhere."
                    )
                },
            );
            show(
                &rows,
                &[objects::table(&rows, wide, now)],
                &nothing,
                args,
                ui,
            )
        }
    }
}

/// Those that were asked for by name.
fn named<R: Row>(rows: Vec<R>, args: &GetArgs) -> Result<Vec<R>, Failure> {
    let missing = args
        .names
        .iter()
        .find(|name| !rows.iter().any(|row| row.name() == name.as_str()));
    if let Some(missing) = missing {
        return Err(Failure::failed(format!("there is no {missing}")).code(codes::NOT_FOUND));
    }
    let wanted =
        |row: &R| args.names.is_empty() || args.names.iter().any(|name| row.name() == name);
    Ok(rows.into_iter().filter(wanted).collect())
}

fn show<R: Row>(
    rows: &[R],
    tables: &[Table],
    nothing: &str,
    args: &GetArgs,
    ui: &mut Ui<'_>,
) -> Result<Ending, Failure> {
    match args.output {
        GetFormat::Json => ui.json(&list(rows))?,
        GetFormat::Yaml => ui.text(&yaml::to_string(&list(rows)))?,
        GetFormat::Name => {
            for row in rows {
                ui.text(&format!("{}\n", row.title()))?;
            }
        }
        GetFormat::Table | GetFormat::Wide if rows.is_empty() => ui.say(nothing),
        GetFormat::Table | GetFormat::Wide => {
            let tables = tables.iter().filter(|table| !table.rows.is_empty());
            let texts: Vec<String> = tables.map(|table| table.text(args.no_headers)).collect();
            ui.text(&texts.join("\n"))?;
        }
    }
    Ok(Ending::Fine)
}

fn list<R: Row>(rows: &[R]) -> Value {
    json!({"apiVersion": names::API_VERSION, "kind": R::LIST, "items": rows})
}

impl Table {
    fn text(&self, without_headers: bool) -> String {
        let headers: Vec<&str> = if without_headers {
            vec![""; self.headers.len()]
        } else {
            self.headers.clone()
        };
        ui::table(&headers, &self.rows)
    }
}

/// What stands where nothing is known.
const UNKNOWN: &str = "-";

/// How old an object is.
fn age_of(created: Option<Timestamp>, now: Timestamp) -> String {
    created.map_or_else(
        || UNKNOWN.to_owned(),
        |created| age::words(now.duration_since(created).as_secs()),
    )
}

/// When an object was made.
fn created(object: &Value) -> Option<Timestamp> {
    object["metadata"]["creationTimestamp"]
        .as_str()?
        .parse()
        .ok()
}
