//! A file that Prometheus reads, by the textfile collector of its node exporter.

use std::io::{self, Write as _};
use std::path::Path;

use chrono::{DateTime, Utc};

/// What is measured after a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metrics {
    pub at: DateTime<Utc>,
    pub exit_code: u8,
    pub targets: Vec<TargetMetrics>,
    pub budgets: Vec<BudgetMetrics>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetMetrics {
    pub name: String,
    pub paused: bool,
    pub last_run: Option<DateTime<Utc>>,
    pub last_success: Option<DateTime<Utc>>,
    pub in_sync: u64,
    pub not_in_line: u64,
    /// What became of the last run's jobs: status and number.
    pub jobs: Vec<(&'static str, u64)>,
    pub missed_slots: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetMetrics {
    /// `budget.tasks`
    pub key: String,
    pub used: u64,
    pub limit: u64,
}

impl Metrics {
    /// As Prometheus reads it.
    pub fn render(&self) -> String {
        let mut text = String::new();
        let mut gauge = |name: &str, help: &str, samples: Vec<(String, String)>| {
            if !samples.is_empty() {
                text.push_str(&format!("# HELP personio_sync_{name} {help}\n# TYPE personio_sync_{name} gauge\n"));
            }
            for (labels, value) in samples {
                text.push_str(&format!("personio_sync_{name}{labels} {value}\n"));
            }
        };
        let seconds = |at: DateTime<Utc>| at.timestamp().to_string();
        gauge("last_run_timestamp_seconds", "When the last run began.", vec![(String::new(), seconds(self.at))]);
        gauge("last_run_exit_code", "Its exit status.", vec![(String::new(), self.exit_code.to_string())]);
        let each = |value: &dyn Fn(&TargetMetrics) -> Option<String>| -> Vec<(String, String)> {
            let sample = |target: &TargetMetrics| Some((labels(&[("target", &target.name)]), value(target)?));
            self.targets.iter().filter_map(sample).collect()
        };
        gauge("target_paused", "Whether the target is paused.", each(&|one| Some(u8::from(one.paused).to_string())));
        gauge(
            "target_last_run_timestamp_seconds",
            "When the last whole run of the target ended.",
            each(&|one| one.last_run.map(seconds)),
        );
        gauge(
            "target_last_success_timestamp_seconds",
            "When everybody was last in line with the target.",
            each(&|one| one.last_success.map(seconds)),
        );
        gauge("target_in_sync", "People whose account is as it should be.", each(&|one| Some(one.in_sync.to_string())));
        gauge(
            "target_not_in_line",
            "People whom the last run left out of line.",
            each(&|one| Some(one.not_in_line.to_string())),
        );
        let jobs = self.targets.iter().flat_map(|target| {
            let sample = |(status, number): &(&'static str, u64)| {
                (labels(&[("target", &target.name), ("status", status)]), number.to_string())
            };
            target.jobs.iter().map(sample)
        });
        gauge("target_jobs", "Changes of the last run by what became of them.", jobs.collect());
        gauge(
            "target_missed_slots",
            "Slots of `every` without a run.",
            each(&|one| Some(one.missed_slots.to_string())),
        );
        let budget = |value: fn(&BudgetMetrics) -> u64| {
            let sample = |one: &BudgetMetrics| (labels(&[("key", &one.key)]), value(one).to_string());
            self.budgets.iter().map(sample).collect()
        };
        gauge("budget_used", "Calls used of the budget in this period.", budget(|one| one.used));
        gauge("budget_limit", "Calls that the budget allows in a period.", budget(|one| one.limit));
        text
    }

    /// Puts the file in the place of the one before, in one step: a collector never reads half of it.
    ///
    /// # Errors
    ///
    /// When it cannot be written; the one before stays.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // A collector reads what ends in `.prom`; this does not, until it is whole.
        let mut file = tempfile::Builder::new().prefix(".personio-sync-").suffix(".new").tempfile_in(folder)?;
        file.write_all(self.render().as_bytes())?;
        readable(file.as_file())?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    }
}

/// The collector is another user, and there is nobody's data in it.
#[cfg(unix)]
fn readable(file: &std::fs::File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable(_file: &std::fs::File) -> io::Result<()> {
    Ok(())
}

fn labels(pairs: &[(&str, &str)]) -> String {
    let escape = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}=\"{}\"", escape(value))).collect();
    format!("{{{}}}", pairs.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics() -> Metrics {
        let at = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let desk = TargetMetrics {
            name: "desk".into(),
            paused: false,
            last_run: Some(at),
            last_success: None,
            in_sync: 248,
            not_in_line: 2,
            jobs: vec![("failed", 2)],
            missed_slots: 0,
        };
        let budgets = vec![BudgetMetrics { key: "budget.tasks".into(), used: 10, limit: 5000 }];
        Metrics { at, exit_code: 3, targets: vec![desk], budgets }
    }

    #[test]
    fn each_measure_is_a_line() {
        let text = metrics().render();
        for line in [
            "personio_sync_last_run_timestamp_seconds 1700000000",
            "personio_sync_last_run_exit_code 3",
            "# TYPE personio_sync_target_in_sync gauge",
            "personio_sync_target_in_sync{target=\"desk\"} 248",
            "personio_sync_target_jobs{target=\"desk\",status=\"failed\"} 2",
            "personio_sync_budget_limit{key=\"budget.tasks\"} 5000",
        ] {
            assert!(text.lines().any(|known| known == line), "{line}\n{text}");
        }
        assert!(!text.contains("last_success"), "never is no moment");
        assert_eq!(labels(&[("target", "a\"b\\c\nd")]), "{target=\"a\\\"b\\\\c\\nd\"}");
    }

    #[test]
    fn the_file_is_replaced_whole_and_others_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sync.prom");
        std::fs::write(&path, "old").unwrap();
        metrics().write(&path).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), metrics().render());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
        }
        assert!(metrics().write(&folder.path().join("missing/sync.prom")).is_err());
    }
}
