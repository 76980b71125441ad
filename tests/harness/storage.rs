//! The bucket: Receive over Azurite, in the protocol of Azure Blob storage.

use std::time::Duration;

use anyhow::{Result, ensure};
use thanos_tests::Run;
use thanos_tests::azurite::Azurite;
use thanos_tests::eventually;
use thanos_tests::prometheus::{Configuration, Prometheus};
use thanos_tests::thanos::{Query, Receive, Settings};

#[tokio::test]
async fn receive_uploads_its_blocks_when_it_ends() -> Result<()> {
    let run = Run::new("harness-bucket")?;
    let azurite = Azurite::start(&run).await?;
    let bucket = Some(azurite.bucket("thanos"));
    let receive = Receive::start(
        &run,
        Settings {
            bucket,
            ..Settings::default()
        },
    )
    .await?;
    assert_eq!(azurite.blocks("thanos").await?, Vec::<String>::new());

    let query = Query::start(&run, &[receive.grpc_address()]).await?;
    let write = format!(
        "remote_write:\n- url: http://{}/api/v1/receive\n",
        receive.write_address()
    );
    let configuration =
        Configuration::from_text(&write).scraping("itself", &["localhost:9090"], false);
    let _prometheus = Prometheus::start(&run, "prometheus", &configuration).await?;
    eventually("a sample arrives", Duration::from_secs(60), || async {
        ensure!(!query.query("up").await?.is_empty(), "none yet");
        Ok(())
    })
    .await?;

    receive.stop(Duration::from_secs(60)).await?;
    let blocks = azurite.blocks("thanos").await?;
    ensure!(blocks.len() == 1, "{blocks:?}");
    Ok(())
}
