//! The formats of UK payroll, as HMRC and gov.uk publish them. Pento's own list of accepted formats is not public.

use std::fmt;
use std::sync::LazyLock;

use regex::Regex;

/// What each check gives: the spelling that is written, or what is wrong, without the value.
pub(super) type Checked = Result<String, &'static str>;

macro_rules! pattern {
    ($name:ident, $source:expr) => {
        static $name: LazyLock<Regex> = LazyLock::new(|| Regex::new($source).expect("a pattern"));
    };
}

pattern!(NI_NUMBER, "^[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][0-9]{6}[A-D]$");
pattern!(
    POST_CODE,
    "^(?:(GIR)(0AA)|([A-PR-UWYZ](?:[0-9]{1,2}|[A-HK-Y][0-9][0-9ABEHMNPRV-Y]?|[0-9][A-HJKPS-UW]))([0-9][ABD-HJLNP-UW-Z]{2}))$"
);
pattern!(SORT_CODE, "^([0-9]{2})[- ]?([0-9]{2})[- ]?([0-9]{2})$");
pattern!(ACCOUNT_NUMBER, "^[0-9]{8}$");
pattern!(SHORT_ACCOUNT_NUMBER, "^[0-9]{6,8}$");
pattern!(PAYROLL_ID, r#"^[A-Za-z0-9 .,\-()/=!"%&*;<>'+:?]{1,35}$"#);
pattern!(TAX_CODE, "^([SC]?)([1-9][0-9]{0,5}[LMNPTY]|BR|0T|NT|D[0-8]|K[1-9][0-9]{0,5})(?: ?(W1M1|W1/M1|W1|M1|X))?$");

/// Prefixes that are never issued (NIM39110).
const UNUSED_PREFIXES: [&str; 7] = ["BG", "GB", "KN", "NK", "NT", "TN", "ZZ"];

/// In capitals and without blanks.
fn squeezed(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_whitespace()).flat_map(char::to_uppercase).collect()
}

/// Two letters, six digits and a suffix from A to D. Temporary and tax reference numbers are none.
pub(super) fn ni_number(text: &str) -> Checked {
    let number = squeezed(text);
    if !NI_NUMBER.is_match(&number) {
        return Err("it is not a National Insurance number (two letters, six digits, a letter from A to D)");
    }
    if UNUSED_PREFIXES.iter().any(|prefix| number.starts_with(prefix)) {
        return Err("it is not a National Insurance number: no number begins with these two letters");
    }
    Ok(number)
}

/// A UK postcode, written with one blank.
pub(super) fn post_code(text: &str) -> Checked {
    let code = squeezed(text);
    let found = POST_CODE.captures(&code).ok_or("it is not a UK postcode")?;
    let part = |one, other| found.get(one).or(found.get(other)).map_or("", |part| part.as_str());
    Ok(format!("{} {}", part(1, 3), part(2, 4)))
}

/// Six digits; hyphens or blanks between the pairs are dropped. The documented 11-11-11 for people who are
/// not paid by Pento is one.
pub(super) fn sort_code(text: &str) -> Checked {
    let found = SORT_CODE.captures(text.trim()).ok_or("it is not a sort code of six digits")?;
    Ok(found[1].to_owned() + &found[2] + &found[3])
}

/// Eight digits. The documented 12345678 for people who are not paid by Pento is one.
pub(super) fn account_number(text: &str) -> Checked {
    let number = squeezed(text);
    if ACCOUNT_NUMBER.is_match(&number) { Ok(number) } else { Err("it is not an account number of eight digits") }
}

/// The same, where numbers of six and seven digits are filled up with zeros in front.
pub(super) fn padded_account_number(text: &str) -> Checked {
    let number = squeezed(text);
    match SHORT_ACCOUNT_NUMBER.is_match(&number) {
        true => Ok(format!("{number:0>8}")),
        false => Err("it is not an account number of six to eight digits"),
    }
}

/// An id that HMRC takes as payroll id.
pub(super) fn payroll_id(text: &str) -> Checked {
    match PAYROLL_ID.is_match(text.trim()) {
        true => Ok(text.trim().to_owned()),
        false => Err("it is not a payroll id: at most 35 letters, digits and common marks"),
    }
}

/// M or F: real time information to HMRC knows no other.
pub(super) fn gender(text: &str) -> Checked {
    match text.trim().to_lowercase().as_str() {
        "m" | "male" => Ok("M".into()),
        "f" | "female" => Ok("F".into()),
        _ => Err("HMRC takes M or F only"),
    }
}

/// One of the titles that Pento knows.
pub(super) fn title(text: &str) -> Checked {
    let plain = text.trim().trim_end_matches('.');
    TITLES
        .iter()
        .find(|title| title.eq_ignore_ascii_case(plain))
        .map(|title| (*title).to_owned())
        .ok_or("Pento knows the titles Mr, Ms, Miss, Mrs and Dr only")
}

const TITLES: [&str; 5] = ["Mr", "Ms", "Miss", "Mrs", "Dr"];

/// Whether a title and a gender, both as written by the checks above, go together.
pub(super) fn title_fits(title: &str, gender: &str) -> bool {
    match gender {
        "M" => matches!(title, "Mr" | "Dr"),
        "F" => matches!(title, "Ms" | "Miss" | "Mrs" | "Dr"),
        _ => true,
    }
}

/// One or several plans, separated by commas, in Pento's spelling.
pub(super) fn student_loan_plans(text: &str) -> Checked {
    let plans: Vec<&str> = text
        .split([',', ';', '+'])
        .map(str::trim)
        .filter(|plan| !plan.is_empty())
        .map(student_loan_plan)
        .collect::<Option<_>>()
        .ok_or("it is not among Plan 1, Plan 2, Plan 4, Plan 5 and Postgraduate")?;
    let mut sorted = plans;
    sorted.sort_unstable();
    sorted.dedup();
    if sorted.is_empty() { Err("it names no plan") } else { Ok(sorted.join(", ")) }
}

fn student_loan_plan(text: &str) -> Option<&'static str> {
    Some(match text.to_lowercase().replace([' ', '-', '_'], "").as_str() {
        "plan1" | "1" | "01" => "Plan 1",
        "plan2" | "2" | "02" => "Plan 2",
        "plan4" | "4" | "04" => "Plan 4",
        "plan5" | "5" | "05" => "Plan 5",
        "postgraduate" | "postgraduateloan" | "pgl" => "Postgraduate",
        _ => return None,
    })
}

/// A PAYE tax code, in the three parts that HMRC keeps apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaxCode {
    /// The code itself: `1257L`, `BR`, `K475`.
    pub code: String,
    pub regime: Regime,
    /// Whether each pay period stands for itself (W1, M1 or X).
    pub non_cumulative: bool,
}

/// Whose rates a tax code applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Regime {
    /// England and Northern Ireland; no prefix.
    Main,
    /// Scotland; prefix S.
    Scotland,
    /// Wales; prefix C.
    Wales,
}

impl TaxCode {
    /// Reads a tax code in any of its usual spellings.
    pub fn parse(text: &str) -> Option<Self> {
        let capital = text.split_whitespace().collect::<Vec<_>>().join(" ").to_uppercase();
        let found = TAX_CODE.captures(&capital)?;
        let regime = match &found[1] {
            "S" => Regime::Scotland,
            "C" => Regime::Wales,
            _ => Regime::Main,
        };
        Some(Self { code: found[2].to_owned(), regime, non_cumulative: found.get(3).is_some() })
    }
}

impl fmt::Display for TaxCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = match self.regime {
            Regime::Main => "",
            Regime::Scotland => "S",
            Regime::Wales => "C",
        };
        let suffix = if self.non_cumulative { " W1/M1" } else { "" };
        write!(f, "{prefix}{}{suffix}", self.code)
    }
}

/// A tax code in one spelling.
pub(super) fn tax_code(text: &str) -> Checked {
    TaxCode::parse(text).map(|code| code.to_string()).ok_or("it is not a tax code such as 1257L, S1257L, BR or K475 X")
}

/// What other payrolls complain of in a name: too long for HMRC, or with marks that it does not take.
pub(super) fn doubt_about_name(name: &str) -> Option<&'static str> {
    if name.chars().count() > 35 {
        return Some("is longer than the 35 characters that HMRC takes");
    }
    let usual = |letter: char| letter.is_alphabetic() || matches!(letter, ' ' | '-' | '\'' | '’' | '.');
    (!name.chars().all(usual)).then_some("has characters other than letters, blanks, hyphens and apostrophes")
}

#[cfg(test)]
mod tests {
    use super::*;

    type Check = fn(&str) -> Checked;

    /// Good samples with the spelling that is written, and bad ones.
    fn table(check: Check, good: &[(&str, &str)], bad: &[&str]) {
        for (text, written) in good {
            assert_eq!(check(text).as_deref(), Ok(*written), "{text}");
            assert_eq!(check(written).as_deref(), Ok(*written), "{text}: what is written is good, too");
        }
        for text in bad {
            assert!(check(text).is_err(), "{text}");
        }
    }

    #[test]
    fn ni_numbers() {
        table(
            ni_number,
            &[
                ("AB123456C", "AB123456C"),
                ("ab 12 34 56 c", "AB123456C"),
                (" jg103759a ", "JG103759A"),
                ("AA000000D", "AA000000D"),
                ("OA123456A", "OA123456A"),
            ],
            &[
                "",
                "AB123456",
                "AB123456E",
                "AB12345C",
                "AB1234567C",
                "A1123456C",
                "DA123456A",
                "FA123456A",
                "IA123456A",
                "QA123456A",
                "UA123456A",
                "VA123456A",
                "AD123456A",
                "AO123456A",
                "BG123456A",
                "GB123456A",
                "KN123456A",
                "NK123456A",
                "NT123456A",
                "TN123456A",
                "TN010203F",
                "ZZ123456A",
                "11A11111",
                "AB123456C1",
                "ÄB123456C",
            ],
        );
    }

    #[test]
    fn post_codes() {
        table(
            post_code,
            &[
                ("TR1 2AB", "TR1 2AB"),
                ("sw1a1aa", "SW1A 1AA"),
                ("M1 1AE", "M1 1AE"),
                ("B33 8TH", "B33 8TH"),
                ("CR2 6XH", "CR2 6XH"),
                ("DN55 1PT", "DN55 1PT"),
                ("w1a 0ax", "W1A 0AX"),
                ("EC1A 1BB", "EC1A 1BB"),
                ("gir0aa", "GIR 0AA"),
                ("  M1   1AE ", "M1 1AE"),
            ],
            &[
                "",
                "10115",
                "TR1",
                "TR1 2A",
                "TR1 2ABC",
                "Q1 1AA",
                "TR1 2CB",
                "TR1 2AK",
                "1TR 2AB",
                "TRR1 2AB",
                "TR123 2AB",
                "X1 1AA",
            ],
        );
    }

    #[test]
    fn bank_details() {
        table(
            sort_code,
            &[
                ("112233", "112233"),
                ("11-22-33", "112233"),
                ("11 22 33", "112233"),
                ("11-11-11", "111111"),
                ("000099", "000099"),
            ],
            &["", "11223", "1122334", "11-22-3", "1-12233", "11.22.33", "aa-bb-cc"],
        );
        table(
            account_number,
            &[("12345678", "12345678"), ("00000001", "00000001"), ("1234 5678", "12345678")],
            &["", "1234567", "123456789", "1234567A", "GB33BUKB20201555555555"],
        );
        table(
            padded_account_number,
            &[("12345678", "12345678"), ("1234567", "01234567"), ("123456", "00123456")],
            &["", "12345", "123456789", "1234567A"],
        );
    }

    #[test]
    fn tax_codes() {
        table(
            tax_code,
            &[
                ("1257L", "1257L"),
                ("1257l", "1257L"),
                ("S1257L", "S1257L"),
                ("C1257L", "C1257L"),
                ("1257L W1", "1257L W1/M1"),
                ("1257LX", "1257L W1/M1"),
                ("1257L M1", "1257L W1/M1"),
                ("1257L W1M1", "1257L W1/M1"),
                ("BR", "BR"),
                ("SBR", "SBR"),
                ("CBR X", "CBR W1/M1"),
                ("0T", "0T"),
                ("S0T", "S0T"),
                ("NT", "NT"),
                ("D0", "D0"),
                ("SD8", "SD8"),
                ("K475", "K475"),
                ("SK1", "SK1"),
                ("999999T", "999999T"),
                ("45M", "45M"),
                ("100N", "100N"),
                ("9Y", "9Y"),
                ("12P", "12P"),
            ],
            &[
                "",
                "L",
                "1257",
                "1257A",
                "0257L",
                "1257L W2",
                "BRX1",
                "D9",
                "K",
                "K0",
                "0L",
                "X1257L",
                "1234567L",
                "S 1257L",
                "1257L W1 M1",
            ],
        );
        assert_eq!(
            TaxCode::parse("sk100 x"),
            Some(TaxCode { code: "K100".into(), regime: Regime::Scotland, non_cumulative: true })
        );
        assert_eq!(
            TaxCode::parse("C1257L"),
            Some(TaxCode { code: "1257L".into(), regime: Regime::Wales, non_cumulative: false })
        );
        assert_eq!(
            TaxCode::parse("BR M1"),
            Some(TaxCode { code: "BR".into(), regime: Regime::Main, non_cumulative: true })
        );
    }

    #[test]
    fn people() {
        table(
            gender,
            &[("M", "M"), ("male", "M"), ("Female", "F"), (" f ", "F")],
            &["", "diverse", "undefined", "W", "männlich"],
        );
        table(
            title,
            &[("Mr", "Mr"), ("mrs.", "Mrs"), ("MISS", "Miss"), ("ms", "Ms"), ("Dr.", "Dr")],
            &["", "Herr", "Prof", "Mx", "Sir"],
        );
        table(
            payroll_id,
            &[
                ("UK-0042", "UK-0042"),
                ("7", "7"),
                (" A/1 ", "A/1"),
                ("aaaaabbbbbcccccdddddeeeeefffffggggg", "aaaaabbbbbcccccdddddeeeeefffffggggg"),
            ],
            &["", "aaaaabbbbbcccccdddddeeeeefffffggggg1", "UK_0042", "ÜK-1", "UK\n1"],
        );
        table(
            student_loan_plans,
            &[
                ("Plan 1", "Plan 1"),
                ("plan2", "Plan 2"),
                ("04", "Plan 4"),
                ("Plan 5, postgraduate", "Plan 5, Postgraduate"),
                ("Postgraduate Loan; plan 1; plan 1", "Plan 1, Postgraduate"),
            ],
            &["", ",", "Plan 3", "Plan 6", "yes", "Plan 1, none"],
        );
        for (title, gender, fits) in [
            ("Mr", "M", true),
            ("Dr", "M", true),
            ("Ms", "M", false),
            ("Miss", "M", false),
            ("Mrs", "F", true),
            ("Dr", "F", true),
            ("Mr", "F", false),
            ("Mr", "", true),
        ] {
            assert_eq!(title_fits(title, gender), fits, "{title} {gender}");
        }
    }

    #[test]
    fn names_are_doubted_and_never_refused() {
        for (name, doubted) in [
            ("Morwenna", false),
            ("O'Neill-Tregear", false),
            ("Zoë", false),
            ("J. R.", false),
            ("Wolfeschlegelsteinhausenbergerdorffs", true),
            ("Ann (Annie)", true),
            ("R2", true),
        ] {
            assert_eq!(doubt_about_name(name).is_some(), doubted, "{name}");
        }
    }
}
