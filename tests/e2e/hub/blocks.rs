//! A block's life: cut by the ingesters, uploaded, compacted into one, read back by the store gateway.

use anyhow::{Context, Result, ensure};
use thanos_tests::eventually;

use super::samples::{self, POD};
use super::{CLUSTER, CONTAINER, Hub, NAME};
use crate::ground::{Ground, SOON};

/// One line of what the bucket holds.
struct Block {
    source: String,
    end: String,
}

async fn blocks(hub: Hub<'_>) -> Result<Vec<Block>> {
    let listing = hub.stage.azurite.listing(CONTAINER)?.args(["-o", "wide"]);
    let listing = hub.node.inside(listing).output().await?.fine()?;
    // ULID -- BEGIN - END Diff: 30s, Compaction: 1, Downsample: 0, Source: receive
    let read = |line: &str| {
        let (_, source) = line.split_once("Source: ")?;
        let (_, end) = line.split_once(" - ")?;
        let (end, _) = end.split_once(" Diff:")?;
        Some(Block {
            source: source.trim().to_owned(),
            end: end.trim().to_owned(),
        })
    };
    Ok(listing.lines().filter_map(read).collect())
}

/// The store gateway alone is asked, and what it answers is of the compactor: the copies of the ingesters have become one.
pub(crate) async fn keeps_compacted_blocks(ground: &Ground) -> Result<()> {
    let Some(hub) = Hub::made(ground).await? else {
        return Ok(());
    };
    samples::flow(hub).await?;
    let end = eventually("a block is compacted", 2 * SOON, || async {
        let blocks = blocks(hub).await?;
        let compacted = blocks.iter().find(|block| block.source == "compactor");
        let sources: Vec<&String> = blocks.iter().map(|block| &block.source).collect();
        let block = compacted.with_context(|| format!("there are {sources:?}"))?;
        Ok(block.end.clone())
    })
    .await?;
    let labels = "app.kubernetes.io/component=store";
    let store = ground.pods(NAME, labels).await?;
    let store = store.first().context("the store")?;
    let address = store
        .status
        .as_ref()
        .and_then(|status| status.pod_ip.as_ref());
    let address = address.context("its address")?;
    let alone = format!("storeMatch[]={{__address__=\"{address}:10901\"}}");
    let query =
        format!("last_over_time(up{{pod=\"{POD}\",prometheus=\"monitoring/samples\"}}[1h])");
    eventually("the store gateway answers with it", SOON, || async {
        let answered = hub.ask(&query, &[&alone, "dedup=false"]).await?;
        let one = answered
            .iter()
            .find(|one| one.label("receive_replica").is_empty());
        let one = one.with_context(|| format!("none is of the compactor: {answered:?}"))?;
        ensure!(
            one.label("cluster") == CLUSTER && one.label("tenant_id") == CLUSTER,
            "{one:?}"
        );
        Ok(())
    })
    .await?;
    println!("          a compacted block until {end}");
    Ok(())
}
