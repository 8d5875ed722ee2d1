//! Bars as the template draws them: places in percent of the width, so that they grow with the page while words keep
//! their size. No library for charts: these are rectangles, and the page must not bring a program of somebody else.

use minijinja::context;
use minijinja::value::Value;

use super::{Counts, Period, Total};

/// How high the highest bar of a strip is, in pixels; one that counts anything is seen.
const HIGHEST: u64 = 38;
const LOWEST: u64 = 2;

type Counted = (&'static str, &'static str, fn(&Counts) -> u64);

/// What is counted, what needs somebody first; with the class of the style.
const COUNTED: [Counted; 4] = [
    ("Failed", "failed", |counts| counts.failed),
    ("Held", "held", |counts| counts.held),
    ("Succeeded", "succeeded", |counts| counts.succeeded),
    ("Tasks", "tasks", |counts| counts.tasks),
];

/// A chart over time: a strip for each thing that is counted, each on its own scale, and a label below every so many.
pub(super) fn over_time(title: &str, periods: &[Period], every: usize) -> Value {
    let strips: Vec<Value> = COUNTED.iter().map(|counted| strip(counted, periods)).collect();
    let rows = periods.iter().filter(|period| period.counts != Counts::default());
    let rows: Vec<Value> =
        rows.map(|period| context! { label => &period.label, numbers => numbers(&period.counts) }).collect();
    context! { title, strips, labels => labels(periods, every), heads => COUNTED.map(|(name, ..)| name), rows }
}

/// The bars of several totals side by side: each column on its own scale.
pub(super) fn totals(totals: &[Total]) -> Vec<Value> {
    let most = COUNTED.map(|(.., count)| totals.iter().map(|total| count(&total.counts)).max().unwrap_or_default());
    let row = |total: &Total| {
        let cells: Vec<Value> = (COUNTED.iter().zip(most))
            .map(|((name, class, count), most)| {
                let number = count(&total.counts);
                context! { name => *name, class => *class, number, width => percent(number, most) }
            })
            .collect();
        context! { name => &total.name, detail => &total.detail, cells }
    };
    totals.iter().map(row).collect()
}

fn numbers(counts: &Counts) -> [u64; 4] {
    COUNTED.map(|(.., count)| count(counts))
}

fn strip((name, class, count): &Counted, periods: &[Period]) -> Value {
    let values: Vec<u64> = periods.iter().map(|period| count(&period.counts)).collect();
    let most = values.iter().copied().max().unwrap_or_default();
    let bars: Vec<Value> = (periods.iter().zip(&values).enumerate())
        .filter(|(_, (_, value))| **value > 0)
        .map(|(position, (period, value))| {
            let height = (value * HIGHEST).div_ceil(most).max(LOWEST);
            let words = format!("{}: {value}", period.label);
            context! { x => percent(position as u64, periods.len() as u64), y => HIGHEST + 2 - height, height, words }
        })
        .collect();
    let width = percent(4, 5 * periods.len() as u64);
    context! { name => *name, class => *class, total => values.iter().sum::<u64>(), most, bars, width }
}

/// The labels below, counted back from the last.
fn labels(periods: &[Period], every: usize) -> Vec<Value> {
    let last = periods.len().saturating_sub(1);
    (periods.iter().enumerate())
        .filter(|(position, _)| (last - position).is_multiple_of(every))
        .map(|(position, period)| {
            let anchor = if position == last { "end" } else { "middle" };
            let x = if position == last { 100.0 } else { (position as f64 + 0.4) * 100.0 / periods.len() as f64 };
            context! { x => format!("{x:.2}"), anchor, text => &period.label }
        })
        .collect()
}

/// A share of the width, to two places.
fn percent(part: u64, whole: u64) -> String {
    format!("{:.2}", if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn period(label: &str, failed: u64, succeeded: u64) -> Period {
        Period { label: label.into(), counts: Counts { failed, succeeded, ..Counts::default() } }
    }

    #[test]
    fn each_strip_has_its_own_scale_and_one_failure_among_thousands_is_seen() {
        let periods = [period("1 Nov", 1, 9_000), period("2 Nov", 0, 9), period("3 Nov", 0, 0), period("4 Nov", 4, 0)];
        let chart = over_time("By day", &periods, 2);
        let strip = |position: usize| chart.get_attr("strips").unwrap().get_item_by_index(position).unwrap();
        let bars = |position: usize| -> Vec<(String, u64)> {
            let bars = strip(position).get_attr("bars").unwrap();
            let bar = |bar: Value| {
                let height = bar.get_attr("height").unwrap().as_usize().unwrap() as u64;
                (bar.get_attr("words").unwrap().to_string(), height)
            };
            bars.try_iter().unwrap().map(bar).collect()
        };
        assert_eq!(bars(0), [("1 Nov: 1".into(), 10), ("4 Nov: 4".into(), 38)]);
        assert_eq!(bars(2), [("1 Nov: 9000".into(), 38), ("2 Nov: 9".into(), 2)]);
        assert_eq!(bars(3), []);
        let labels = labels(&periods, 2).into_iter().map(|label| label.get_attr("text").unwrap().to_string());
        assert_eq!(labels.collect::<Vec<_>>(), ["2 Nov", "4 Nov"]);
        assert_eq!(chart.get_attr("rows").unwrap().len(), Some(3), "the table has what there is");
    }

    #[test]
    fn nothing_at_all_divides_by_nothing() {
        assert_eq!(over_time("By day", &[], 7).get_attr("rows").unwrap().len(), Some(0));
        assert_eq!(percent(0, 0), "0.00");
        assert_eq!(totals(&[Total::default()]).len(), 1);
    }
}
