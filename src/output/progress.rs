use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::http::awaited;
use crate::progress::{Progress, ReadProgress, RunProgress};

/// What the streams of the process are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terminal {
    /// Somebody can answer a question.
    pub input: bool,
    /// Results are read by a person, with colour when `NO_COLOR` does not forbid it.
    pub output: bool,
    /// Progress can be drawn.
    pub errors: bool,
    pub colour: bool,
}

/// Progress bars on standard error; silent without a terminal.
#[derive(Debug)]
pub struct Bars {
    all: MultiProgress,
    /// Where nothing is drawn, whoever reads along is told of long waits.
    _patience: Option<Patience>,
}

/// How long an answer may take before it is worth a word.
const LONG: Duration = Duration::from_secs(30);

/// Tells on standard error of services whose answer takes long, until it is dropped.
#[derive(Debug)]
struct Patience(Arc<AtomicBool>);

impl Patience {
    #[expect(clippy::disallowed_methods, reason = "how long people wait, by the clock on their wall")]
    fn begin() -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let is_over = Arc::clone(&over);
        std::thread::spawn(move || {
            let mut told: BTreeMap<String, Instant> = BTreeMap::new();
            while !is_over.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_secs(1));
                for (host, since) in awaited() {
                    let last = told.get(&host).copied().filter(|told| *told > since).unwrap_or(since);
                    if last.elapsed() >= LONG {
                        eprintln!("waiting for {host} since {} s", since.elapsed().as_secs());
                        told.insert(host, Instant::now());
                    }
                }
            }
        });
        Self(over)
    }
}

impl Drop for Patience {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Bars {
    /// Draws on a terminal, and nothing otherwise.
    pub fn new(terminal: Terminal) -> Self {
        let target = if terminal.errors { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let all = MultiProgress::with_draw_target(target);
        Self { all, _patience: (!terminal.errors).then(Patience::begin) }
    }

    fn bar(&self, label: &str) -> Bar {
        let bar = self.all.add(ProgressBar::no_length());
        let style = ProgressStyle::with_template("{msg:<28} {wide_bar:.cyan/dim} {human_pos:>7}/{human_len} {eta:>4}")
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("━━─");
        bar.set_style(style);
        bar.set_message(label.to_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        Bar(bar)
    }
}

impl ReadProgress for Bars {
    fn reading(&self, what: &str) -> Box<dyn Progress + '_> {
        Box::new(self.bar(&format!("reading {what}")))
    }
}

impl RunProgress for Bars {
    fn writing(&self, target: &str, total: usize) -> Box<dyn Progress + '_> {
        let bar = self.bar(&format!("writing {target}"));
        bar.expect(total as u64);
        Box::new(bar)
    }
}

/// One bar; it disappears when dropped.
#[derive(Debug)]
struct Bar(ProgressBar);

impl Progress for Bar {
    fn expect(&self, total: u64) {
        self.0.set_length(total);
    }

    fn advance(&self, steps: u64) {
        self.0.inc(steps);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Columns of the terminal that results go to; `None` when they go elsewhere.
pub fn terminal_width(terminal: Terminal) -> Option<u16> {
    terminal.output.then(|| comfy_table::Table::new().width()).flatten()
}
