//! The figures of this process in Prometheus' text format; the only home of the exporter.

use std::fmt;
use std::sync::Arc;

use metrics::{SetRecorderError, gauge};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use crate::platform::process;
use crate::telemetry;

/// Renders the figures; those that nobody counts along are looked up when asked for.
#[derive(Clone)]
pub struct Meter {
    handle: PrometheusHandle,
    /// Sets the gauges whose value lives elsewhere.
    refresh: Arc<dyn Fn() + Send + Sync>,
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meter").finish_non_exhaustive()
    }
}

/// The recorder of this process could not be put in place.
#[derive(Debug)]
pub struct MeterError(String);

impl fmt::Display for MeterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "metrics cannot be recorded: {}", self.0)
    }
}

impl std::error::Error for MeterError {}

impl Meter {
    /// Becomes the recorder of the whole process: from now on every figure is counted.
    pub fn install() -> Result<Meter, MeterError> {
        let recorder = recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).map_err(|_: SetRecorderError<PrometheusRecorder>| {
            MeterError("another recorder is in place".into())
        })?;
        describe();
        Ok(Meter::of(handle))
    }

    fn of(handle: PrometheusHandle) -> Meter {
        Meter { handle, refresh: Arc::new(|| {}) }
    }

    /// `refresh` runs before the figures are rendered.
    #[must_use]
    pub fn refreshed_by(self, refresh: impl Fn() + Send + Sync + 'static) -> Meter {
        Meter { refresh: Arc::new(refresh), ..self }
    }

    /// Every figure now.
    #[must_use]
    pub fn render(&self) -> String {
        (self.refresh)();
        #[expect(clippy::cast_precision_loss, reason = "descriptors stay far below 2^53")]
        let set = |name, value: Option<u64>| value.map(|value| gauge!(name).set(value as f64));
        set(telemetry::DESCRIPTORS, process::descriptor_count());
        set(telemetry::DESCRIPTORS_MAX, process::descriptor_limit());
        let mut text = self.handle.render();
        if let Some((_, _, help)) = telemetry::ALL.iter().find(|(name, ..)| *name == telemetry::LATENCY_ADDED)
        {
            telemetry::latency::render(help, &mut text);
        }
        text
    }
}

fn recorder() -> PrometheusRecorder {
    PrometheusBuilder::new().build_recorder()
}

/// Tells the recorder what each name means.
fn describe() {
    for &(name, kind, help) in telemetry::ALL {
        match kind {
            telemetry::Kind::Counter => metrics::describe_counter!(name, help),
            telemetry::Kind::Gauge => metrics::describe_gauge!(name, help),
            // Counted by ourselves, and told by `telemetry::latency`.
            telemetry::Kind::Histogram => {}
        }
    }
}

#[cfg(test)]
pub(super) fn for_tests() -> (PrometheusRecorder, Meter) {
    let recorder = recorder();
    let meter = Meter::of(recorder.handle());
    (recorder, meter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_rendered_with_their_help_and_buckets() {
        let (recorder, meter) = for_tests();
        let text = metrics::with_local_recorder(&recorder, || {
            describe();
            metrics::counter!(telemetry::FLOWS, "action" => "block", "direction" => "request").increment(2);
            telemetry::latency::INSPECT.record(std::time::Duration::from_secs(40));
            let meter = meter.refreshed_by(|| gauge!(telemetry::HELD_BYTES).set(7.0));
            meter.render()
        });
        let lines = [
            "# HELP tidegate_flows_total messages judged",
            "tidegate_flows_total{action=\"block\",direction=\"request\"} 2",
            "# TYPE tidegate_latency_added_seconds histogram",
            "tidegate_held_bytes 7",
        ];
        for line in lines {
            assert!(text.lines().any(|shown| shown == line), "{line} in\n{text}");
        }
        let long = text.lines().find_map(|line| {
            line.strip_prefix("tidegate_latency_added_seconds_count{stage=\"inspect\"} ")?.parse::<u64>().ok()
        });
        assert!(long >= Some(1), "{text}");
        let open = text.lines().find_map(|line| line.strip_prefix("tidegate_descriptors_open "));
        assert!(open.unwrap().parse::<f64>().unwrap() >= 3.0);
    }
}
