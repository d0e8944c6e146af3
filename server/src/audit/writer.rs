//! The one who writes: what waits is written together, so that one commit to the disk serves many calls.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{Notify, mpsc, oneshot};

use crate::audit::AuditUnavailable;
use crate::audit::key::AuditKey;
use crate::audit::record::Draft;
use crate::store::{Store, StoreError};
use crate::telemetry::AuditMeters;

/// Records that wait to be written; who comes when it is full waits too.
const QUEUE: usize = 1024;
/// Most records of one commit.
const MAX_GROUP: usize = 512;

/// A record, and the call that waits until it is on the disk.
pub(crate) struct Waiting {
    draft: Draft,
    done: oneshot::Sender<Result<(), AuditUnavailable>>,
}

/// The way to the writer.
#[derive(Clone)]
pub(crate) struct Queue {
    sender: mpsc::Sender<Waiting>,
    stop: Arc<Notify>,
    stopped: Arc<Notify>,
}

impl Queue {
    /// Starts the writer of a store's log. It ends with the last queue to it, or when it is closed.
    pub(crate) fn start(store: Arc<Store>, key: Arc<AuditKey>, meters: AuditMeters) -> Self {
        let (sender, records) = mpsc::channel(QUEUE);
        let (stop, stopped) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let queue = Self { sender, stop: Arc::clone(&stop), stopped: Arc::clone(&stopped) };
        tokio::spawn(async move {
            run(&store, &key, &meters, records, &stop).await;
            stopped.notify_one();
        });
        queue
    }

    /// Writes a record; it is on the disk when this returns well.
    pub(crate) async fn append(&self, draft: Draft) -> Result<(), AuditUnavailable> {
        let (done, written) = oneshot::channel();
        self.sender.send(Waiting { draft, done }).await.map_err(|_| AuditUnavailable)?;
        written.await.map_err(|_| AuditUnavailable)?
    }

    /// Takes nothing new, and returns when what waits is written. To be called once.
    pub(crate) async fn close(&self) {
        self.stop.notify_one();
        self.stopped.notified().await;
    }
}

async fn run(store: &Store, key: &AuditKey, meters: &AuditMeters, mut records: mpsc::Receiver<Waiting>, stop: &Notify) {
    let mut group = Vec::with_capacity(MAX_GROUP);
    let mut failing = false;
    loop {
        let count = tokio::select! {
            count = records.recv_many(&mut group, MAX_GROUP) => count,
            () = stop.notified() => {
                // What was taken before is still given out; then the end.
                records.close();
                continue;
            }
        };
        if count == 0 {
            return;
        }
        let (drafts, waiting): (Vec<_>, Vec<_>) = group.drain(..).map(|one| (one.draft, one.done)).unzip();
        let began = Instant::now();
        let written = store.append_audit(&drafts, key).await;
        match written {
            Ok(()) => meters.records.increment(count as u64),
            Err(_) => meters.failures.increment(count as u64),
        }
        meters.seconds.record(began.elapsed().as_secs_f64());
        note(&written, &mut failing);
        let answer = written.map_err(|_| AuditUnavailable);
        for done in waiting {
            // Who waited may be gone: at the end of its time, or with its connection.
            let _ = done.send(answer);
        }
    }
}

/// Tells when writing begins to fail and when it works again, not every failure: there is one per call.
fn note(written: &Result<(), StoreError>, failing: &mut bool) {
    match written {
        Ok(()) => {
            if std::mem::take(failing) {
                tracing::info!("the audit log can be written again");
            }
        }
        Err(error) if !std::mem::replace(failing, true) => {
            tracing::error!(%error, "the audit log cannot be written: calls about people are refused until it can");
        }
        Err(_) => {}
    }
}
