//! `docs/tutorial.md`, typed line by line: its files are written as they stand there, and its commands are run in their order.
//!
//! What the machine lacks is given beside it: the object store is Azurite, the certificate is signed here, `hub.yaml` gets
//! two lines more (Envoy Gateway's chart from its module, few replicas), and the DNS record is made when `init` asks for
//! it. Commands for the context `edge-01` run against a second node. The part about Azure is told to a contract server
//! (`tests/hub`), because there is no Azure here.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use thanos_tests::{Node, Program, command, tools};

use crate::ground::Ground;
use crate::hub::{self, Stage};
use crate::monitoring;

const DOMAIN: &str = "thanos.example.com";
const CONTEXT: &str = "edge-01";
/// A line that takes longer hangs; longer than `init` waits for any one thing, so that it says itself what is not so.
const PATIENCE: Duration = Duration::from_secs(720);
/// Where the part about Azure begins, and the one after it.
const AZURE: [&str; 2] = ["## On Azure", "## Take it away again"];

/// A piece of the page.
enum Piece {
    File(String, String),
    Command(String),
}

/// Files and commands, in their order.
fn pieces(page: &str) -> Result<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(language) = line.strip_prefix("```").filter(|word| !word.is_empty()) else {
            continue;
        };
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        match language {
            "yaml" => {
                let name = block.first().and_then(|first| first.strip_prefix("# "));
                let name = name.context("a file begins with its name")?;
                pieces.push(Piece::File(name.to_owned(), block.join("\n") + "\n"));
            }
            "console" => {
                let typed = block.iter().filter_map(|line| line.strip_prefix("$ "));
                pieces.extend(typed.map(|line| Piece::Command(line.to_owned())));
            }
            other => bail!("a block of {other} is neither a file nor commands"),
        }
    }
    Ok(pieces)
}

/// Who types.
struct Reader<'g> {
    ground: &'g Ground,
    node: &'g Node,
    edge: Ground,
    folder: PathBuf,
    /// What was typed and answered, kept with the logs.
    transcript: File,
    is_recorded: bool,
}

impl Reader<'_> {
    fn write(&self, name: &str, text: &str, more: &str) -> Result<()> {
        let text = if name == "hub.yaml" {
            format!("{text}{more}")
        } else {
            text.to_owned()
        };
        let path = self.folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
    }

    async fn run(&mut self, line: &str) -> Result<()> {
        let is_edge = line.contains(CONTEXT) && line.contains("context");
        let kubeconfig = if is_edge {
            self.folder.join("edge.kubeconfig")
        } else {
            self.node.kubeconfig_inside()?
        };
        let shell = Program::at("bash")
            .args(["-o", "pipefail", "-c"])
            .arg(format!("cd {} && {line}", self.folder.display()))
            .env("PATH", path()?);
        let shell = command::at_home(shell, self.ground.run(), &kubeconfig)?;
        let shell = if is_edge {
            shell
        } else {
            self.node.logged_in(shell)
        };
        let began = Instant::now();
        let output = shell.output_within(PATIENCE, &[]).await?;
        writeln!(
            self.transcript,
            "$ {line}\n{}{}",
            output.stderr, output.stdout
        )?;
        println!(
            "          {:5.1} s  $ {line}",
            began.elapsed().as_secs_f32()
        );
        if !self.is_recorded && output.code == Some(1) && output.stderr.contains("KTH8005") {
            let wish = format!("Hint: make the record *.{DOMAIN} A ");
            let mut hints = output.stderr.lines();
            let address = hints.find_map(|line| line.strip_prefix(&wish));
            self.node
                .record(DOMAIN, address.context("the record to make")?)
                .await?;
            self.is_recorded = true;
            return Ok(());
        }
        if line.contains("--htpasswd-file") {
            let told = output.stderr.contains("sets .htpasswd");
            ensure!(told, "the member's line is not taken: {}", output.stderr);
        }
        output.fine().with_context(|| line.to_owned())?;
        Ok(())
    }
}

/// Our programs and the real ones before everything else.
fn path() -> Result<String> {
    let of = |program: PathBuf| -> Result<String> {
        let folder = program.parent().map(Path::to_path_buf);
        Ok(folder.context("a folder")?.display().to_string())
    };
    let others = std::env::var("PATH").context("PATH")?;
    Ok(format!(
        "{}:{}:{others}",
        of(tools::ours("kubectl-thanos")?)?,
        of(tools::tool("kubectl")?)?
    ))
}

/// Every line of the tutorial does what the page says.
pub(crate) async fn is_right(ground: &Ground) -> Result<()> {
    let Some(node) = ground.node() else {
        println!("          passed over: it needs our own node");
        return Ok(());
    };
    let stage = ground.stage(|| Stage::set(ground, node)).await?;
    let kept = "delete namespace thanos --ignore-not-found --timeout=120s";
    ground.get(kept).await?;
    // Volumes that another hub has let go.
    ground.get("delete persistentvolumes --all").await?;
    node.volumes(hub::VOLUMES).await?;

    let folder = ground.run().folder().join("tutorial");
    std::fs::create_dir_all(&folder).context("the reader's folder")?;
    std::os::unix::fs::symlink(tools::root().join("charts"), folder.join("charts"))
        .context("a clone of the repository")?;
    stage.tutorial(node, &folder, DOMAIN).await?;
    let edge = edge(&folder).await?;
    let more = hub::more_answers("thanos-values.yaml");
    let page = std::fs::read_to_string(tools::root().join("docs/tutorial.md"))?;
    let (before, azure) = page.split_once(AZURE[0]).context(AZURE[0])?;
    let (_, after) = azure.split_once(AZURE[1]).context(AZURE[1])?;
    let pieces = pieces(&format!("{before}{after}"))?;
    let count = pieces
        .iter()
        .filter(|piece| matches!(piece, Piece::Command(_)))
        .count();
    ensure!(count > 15, "only {count} commands were found");
    let mut reader = Reader {
        ground,
        node,
        edge,
        transcript: File::create(folder.join("transcript.txt"))?,
        folder,
        is_recorded: false,
    };
    for piece in pieces {
        match piece {
            Piece::File(name, text) => reader.write(&name, &text, &more)?,
            Piece::Command(line) => reader.run(&line).await?,
        }
    }
    ensure!(reader.is_recorded, "init has never asked for the record");
    let wired = reader
        .edge
        .get("get thanoswiring hub -o jsonpath={.status.namespaces[0].ready}")
        .await?;
    ensure!(wired == "true", "edge-01 is not wired: {wired}");
    Ok(())
}

/// Another cluster, with an operator and nothing of ours.
async fn edge(folder: &Path) -> Result<Ground> {
    let edge = Ground::of(Node::start(CONTEXT).await?);
    monitoring::operator(&edge).await?;
    edge.images(&["thanos-webhook"]).await?;
    let kubeconfig = folder.join("edge.kubeconfig");
    std::fs::copy(edge.kubeconfig(), &kubeconfig).context("its kubeconfig")?;
    let now = edge.get("config current-context").await?;
    let renamed = command::kubectl(edge.run(), &kubeconfig)?;
    renamed
        .args(["config", "rename-context", now.trim(), CONTEXT])
        .output()
        .await?
        .fine()?;
    Ok(edge)
}
