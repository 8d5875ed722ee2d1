//! What an expression uses, told from its syntax tree: texts in quotes, however they are written, are no names.

use std::collections::BTreeSet;

use minijinja::machinery::ast::{CallArg, Expr, Filter};
use minijinja::machinery::parse_expr;
use minijinja::value::Value;

/// The filters and lookup tables of one expression.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Used {
    /// The names of its filters, inner ones first.
    pub(super) filters: Vec<String>,
    /// The tables that it names.
    pub(super) tables: BTreeSet<String>,
    /// Whether the name of a table is computed, so that it may be any.
    pub(super) any_table: bool,
    /// How it writes dates, as far as that is not computed.
    pub(super) date_formats: Vec<String>,
}

/// What an expression uses; nothing where it is none.
pub(super) fn used(source: &str) -> Used {
    let mut used = Used::default();
    if let Ok(expression) = parse_expr(source.trim()) {
        used.look(&expression);
    }
    used
}

/// Whether a text that is no expression has a single `=` outside of quotes.
pub(super) fn assigns(source: &str) -> bool {
    let (mut quote, mut previous) = (None, ' ');
    let mut letters = source.chars().peekable();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(open), _) if open == letter && previous != '\\' => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(letter),
            (None, '=') if !"=!<>".contains(previous) && letters.peek() != Some(&'=') => return true,
            (None, _) => {}
        }
        previous = letter;
    }
    false
}

impl Used {
    fn look(&mut self, expression: &Expr<'_>) {
        match expression {
            Expr::Var(_) | Expr::Const(_) => {}
            Expr::Slice(slice) => {
                self.look(&slice.expr);
                [&slice.start, &slice.stop, &slice.step].into_iter().flatten().for_each(|part| self.look(part));
            }
            Expr::UnaryOp(operation) => self.look(&operation.expr),
            Expr::BinOp(operation) => {
                self.look(&operation.left);
                self.look(&operation.right);
            }
            Expr::Compare(comparison) => {
                self.look(&comparison.expr);
                comparison.ops.iter().for_each(|operation| self.look(&operation.expr));
            }
            Expr::IfExpr(choice) => {
                self.look(&choice.test_expr);
                self.look(&choice.true_expr);
                choice.false_expr.iter().for_each(|part| self.look(part));
            }
            Expr::Filter(filter) => self.look_at_filter(filter),
            Expr::Test(test) => {
                self.look(&test.expr);
                self.look_at_arguments(&test.args);
            }
            Expr::GetAttr(access) => self.look(&access.expr),
            Expr::GetItem(access) => {
                self.look(&access.expr);
                self.look(&access.subscript_expr);
            }
            Expr::Call(call) => {
                self.look(&call.expr);
                self.look_at_arguments(&call.args);
            }
            Expr::List(list) => list.items.iter().for_each(|item| self.look(item)),
            Expr::Tuple(tuple) => tuple.items.iter().for_each(|item| self.look(item)),
            Expr::Map(map) => map.keys.iter().chain(&map.values).for_each(|part| self.look(part)),
        }
    }

    fn look_at_filter(&mut self, filter: &Filter<'_>) {
        filter.expr.iter().for_each(|value| self.look(value));
        self.look_at_arguments(&filter.args);
        self.filters.push(filter.name.to_owned());
        match (filter.name, &filter.args[..]) {
            ("lookup", arguments) => self.look_at_table(arguments.first()),
            ("date", [CallArg::Pos(format) | CallArg::Kwarg(_, format), ..]) => {
                self.date_formats.extend(format.as_const().as_ref().and_then(Value::as_str).map(str::to_owned));
            }
            // `map` applies a filter that is named by a text.
            ("map", [CallArg::Pos(name), rest @ ..]) => match name.as_const().as_ref().map(Value::as_str) {
                Some(Some("lookup")) => self.look_at_table(rest.first()),
                Some(_) => {}
                None => self.any_table = true,
            },
            _ => {}
        }
    }

    fn look_at_table(&mut self, argument: Option<&CallArg<'_>>) {
        let name = match argument {
            Some(CallArg::Pos(name) | CallArg::Kwarg(_, name)) => name.as_const(),
            _ => None,
        };
        match name.as_ref().and_then(Value::as_str) {
            Some(name) => {
                self.tables.insert(name.to_owned());
            }
            None => self.any_table = true,
        }
    }

    fn look_at_arguments(&mut self, arguments: &[CallArg<'_>]) {
        for argument in arguments {
            match argument {
                CallArg::Pos(value)
                | CallArg::Kwarg(_, value)
                | CallArg::PosSplat(value)
                | CallArg::KwargSplat(value) => self.look(value),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_equals_sign_alone_is_told_from_comparisons() {
        for (source, expected) in
            [("a = 'b'", true), ("a == 'b' c", false), ("a != '='", false), ("a <= 1 b", false), ("\"a = b\" c", false)]
        {
            assert_eq!(assigns(source), expected, "{source}");
        }
    }

    #[test]
    fn tables_are_found_wherever_they_are_looked_up_in() {
        for (source, tables, any) in [
            ("department | lookup('keep') == 'yes'", &["keep"][..], false),
            ("department|lower|lookup( \"keep\" )", &["keep"], false),
            ("'a' if office | lookup('one') else team | lookup('two')", &["one", "two"], false),
            ("[office | lookup('one')] + [1, {'k': team | lookup('two')}]", &["one", "two"], false),
            ("cost_centers | map('lookup', 'one') | join(', ')", &["one"], false),
            ("cost_centers | map('upper') | first", &[], false),
            ("not (office | lookup('one') in ['a', team | lookup('two')])", &["one", "two"], false),
            ("office | default(team | lookup('one'))", &["one"], false),
            ("(office | lookup('one'))[0:2] ~ ''", &["one"], false),
            ("office | lookup('one') is eq(team | lookup('two'))", &["one", "two"], false),
            ("office | lookup('o' ~ 'ne')", &["one"], false),
            ("office | lookup(team)", &[], true),
            ("cost_centers | map(team, 'one')", &[], true),
            ("\"x | lookup('one')\" ~ office", &[], false),
            ("office", &[], false),
            ("office |", &[], false),
        ] {
            let used = used(source);
            assert_eq!(used.tables.iter().map(String::as_str).collect::<Vec<_>>(), tables, "{source}");
            assert_eq!(used.any_table, any, "{source}");
        }
    }

    #[test]
    fn filters_are_told_from_texts() {
        let used = used("'| lower' ~ (first_name | trim | upper) ~ (team | default(office | title))");
        assert_eq!(used.filters, ["trim", "upper", "title", "default"]);
    }
}
