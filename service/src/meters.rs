//! Metrics of the process.

use std::{sync::OnceLock, thread, time::Duration};

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

/// How often the recorder folds what it has collected.
const UPKEEP: Duration = Duration::from_secs(5);

/// The page of the process's metrics. There is one recorder in a process, however
/// often this is asked: a process with several servers (tests) has one page for all.
pub fn page() -> PrometheusHandle {
    static PAGE: OnceLock<PrometheusHandle> = OnceLock::new();
    PAGE.get_or_init(|| {
        let recorder = PrometheusBuilder::new().build_recorder();
        let page = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::error!("metrics go elsewhere: another recorder was there first");
        }
        let upkeep = page.clone();
        let started = thread::Builder::new()
            .name("metrics".to_owned())
            .spawn(move || {
                loop {
                    thread::sleep(UPKEEP);
                    upkeep.run_upkeep();
                }
            });
        if let Err(error) = started {
            tracing::error!(%error, "metrics are folded only when they are asked for");
        }
        page
    })
    .clone()
}
