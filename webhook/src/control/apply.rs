//! Carries a plan out, each write under the lease: statuses first, then touches; Events beside.

use futures::StreamExt;
use tokio::sync::mpsc;

use super::events::News;
use super::judge::Plan;
use super::lease::Unwritten;
use super::touch::Touch;
use super::wiring::Write;
use super::{Controller, policies, words};

/// As many writes are under way at a time.
const WRITES: usize = 8;

impl Controller {
    /// Does what a plan says. What fails is judged anew, with everything else.
    pub(super) async fn carry_out(&self, plan: Plan, news: &mpsc::Sender<News>) {
        let Plan {
            touches,
            writes,
            statuses,
            news: latest,
            targets: _,
            counts,
            violations,
            next: _,
        } = plan;
        self.metrics.count(&counts);
        if let Some(violations) = &violations {
            self.metrics.violated(violations);
        }
        let writes = futures::stream::iter(writes).map(|write| self.write(write));
        writes
            .buffer_unordered(WRITES)
            .for_each(|()| async {})
            .await;
        let statuses = futures::stream::iter(statuses).map(|status| self.write_status(status));
        statuses
            .buffer_unordered(WRITES)
            .for_each(|()| async {})
            .await;
        for one in latest {
            if news.try_send(one).is_err() {
                tracing::debug!("too many Events wait: one is dropped");
            }
        }
        let touches = futures::stream::iter(touches).map(|touch| self.touch(touch));
        touches
            .buffer_unordered(WRITES)
            .for_each(|()| async {})
            .await;
    }

    async fn write(&self, write: Write) {
        let written = self.leadership.write(write.apply(&self.client)).await;
        if let Err(error) = outcome(written) {
            tracing::warn!(
                wiring = write.wiring,
                error,
                "the wiring could not be written"
            );
        }
    }

    async fn write_status(&self, status: policies::Write) {
        let written = self.leadership.write(status.apply(&self.client)).await;
        if let Err(error) = outcome(written) {
            let policy = status.policy;
            tracing::warn!(policy, error, "the policy's status could not be written");
        }
    }

    async fn touch(&self, touch: Touch) {
        let written = self.leadership.write(touch.apply(&self.client)).await;
        let object = touch.title();
        let result = match outcome(written) {
            Ok(true) => {
                tracing::info!(object, "touched");
                "touched"
            }
            Ok(false) => "overtaken",
            Err(error) => {
                tracing::warn!(object, error, "the object could not be touched");
                "failed"
            }
        };
        self.metrics.touch(touch.kind.name(), result);
    }

    /// Writes Events, one after the other, beside everything else.
    pub(super) async fn tell(&self, mut news: mpsc::Receiver<News>) {
        while let Some(news) = news.recv().await {
            let object = news.object.title();
            tracing::info!(object, wiring = &*news.wiring, note = news.note, "told");
            let written = self.leadership.write(self.reports.publish(&news)).await;
            if let Err(error) = outcome(written) {
                tracing::debug!(object, error, "an Event could not be written");
            }
        }
    }
}

/// Whether a write was made; not, where somebody else was faster: then everything is judged anew.
fn outcome(written: Result<kube::Result<()>, Unwritten>) -> Result<bool, String> {
    match written {
        Ok(Ok(())) => Ok(true),
        Ok(Err(kube::Error::Api(status))) if status.is_conflict() || status.is_not_found() => {
            Ok(false)
        }
        Ok(Err(error)) => Err(words(&error)),
        Err(unwritten) => Err(unwritten.to_string()),
    }
}
