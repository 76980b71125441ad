//! The room for Azure as a program of its own, with an environment of its own: what is to be done comes as one JSON
//! document on standard input, what came of it goes to standard output, talk goes to standard error.

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use kubectl_thanos::azure::apply::{Reader, Stage, apply, values};
use kubectl_thanos::azure::plan::plan;
use kubectl_thanos::azure::{Azure, Pace, Wish, facts, removal, storage};
use kubectl_thanos::{Ending, Failure, Surroundings, Ui};
use serde::Deserialize;
use serde_json::{Value, json};

/// What is to be done.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Task {
    wish: Wish,
    /// `plan`, `before`, `address`, `grafana`, `values`, `reach`, `prove`, `ours`: in this order.
    acts: Vec<String>,
    #[serde(default = "spreading")]
    spreading_milliseconds: u64,
    #[serde(default)]
    address: Option<std::net::IpAddr>,
    #[serde(default)]
    read_user: String,
    #[serde(default)]
    read_password: String,
    #[serde(default)]
    account_token: String,
}

fn spreading() -> u64 {
    10_000
}

fn main() -> ExitCode {
    let around = Surroundings::of_process();
    let (mut stdin, mut stdout, mut stderr) = (io::stdin(), io::stdout(), io::stderr());
    let mut ui = Ui::new(&around, &mut stdin, &mut stdout, &mut stderr);
    let ended = run(&around, &mut ui);
    ExitCode::from(ui.end(ended))
}

fn run(around: &Surroundings, ui: &mut Ui<'_>) -> Result<Ending, Failure> {
    let task: Task = serde_json::from_reader(ui.stdin())
        .map_err(|error| Failure::usage("no task").from_chain(&error))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| Failure::failed("no runtime").from_chain(&error))?;
    let done = runtime.block_on(work(&task, around, ui))?;
    ui.json(&done)?;
    Ok(Ending::Fine)
}

async fn work(task: &Task, around: &Surroundings, ui: &mut Ui<'_>) -> Result<Value, Failure> {
    let pace = Pace {
        look: Duration::from_millis(20),
        again: Duration::from_millis(10),
        making: Duration::from_secs(20),
        spreading: Duration::from_millis(task.spreading_milliseconds),
    };
    let azure = Azure::log_in(around, &task.wish, pace).await?;
    let facts = facts::gather(&azure, &task.wish).await?;
    let plan = match plan(&task.wish, &facts) {
        Ok(plan) => plan,
        Err(mut faults) => {
            let last = faults.pop();
            for fault in &faults {
                ui.fail(fault);
            }
            return Err(last.unwrap_or_else(|| Failure::failed("no fault")));
        }
    };
    for notice in &plan.notices {
        ui.tell(notice.code, &notice.sentence);
    }
    let mut done = json!({"plan": plan.steps, "way": azure.logged_in_by()});
    let reader = Reader {
        url: task
            .wish
            .grafana
            .as_ref()
            .map_or("", |grafana| grafana.url.as_str()),
        user: &task.read_user,
        password: &task.read_password,
        authority: None,
    };
    for act in &task.acts {
        match act.as_str() {
            "before" => apply(&azure, &plan, &Stage::Before, ui).await?,
            "address" => {
                if let Some(address) = task.address {
                    apply(&azure, &plan, &Stage::Address(address), ui).await?;
                }
            }
            "grafana" => apply(&azure, &plan, &Stage::Grafana(reader), ui).await?,
            "values" => {
                let (found, _) = values(&azure, &plan).await?;
                done["values"] = json!(found);
            }
            "reach" => {
                let (found, endpoint) = values(&azure, &plan).await?;
                let reach = storage::reach(&azure, &endpoint, &found.container).await?;
                done["reach"] = json!(format!("{reach:?}"));
            }
            "prove" => {
                let (found, endpoint) = values(&azure, &plan).await?;
                let mut waited = Vec::new();
                let mut waits = |what: &str| waited.push(what.to_owned());
                storage::prove(&azure, &found, &endpoint, &task.account_token, &mut waits).await?;
                done["waited"] = json!(waited);
            }
            "ours" => {
                let found = removal::ours(&azure, &facts.subscription, &task.wish.hub).await?;
                done["ours"] = json!(found);
            }
            _ => {}
        }
    }
    done["writes"] = json!(azure.writes());
    Ok(done)
}
