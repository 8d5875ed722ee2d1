//! Who gets an account: as TravelPerk's own integration decides it.

use crate::code::Code;
use crate::field::{FieldSpec, Schema};
use crate::plan::{Account, Change, EmployeeCase, EmployeeRules, Findings, Skip};
use crate::rules::Desired;

#[derive(Debug)]
pub(super) struct TravelPerkRules;

impl EmployeeRules for TravelPerkRules {
    fn derived_fields(&self) -> Vec<FieldSpec> {
        Vec::new()
    }

    /// Nobody without a hire date gets an account: that is what a hire looks like that was called off. In TravelPerk's
    /// sync log this is `MISSING_START_DATE`.
    fn complete(&self, case: &EmployeeCase<'_>, _desired: &mut [Desired]) -> Findings {
        if case.account.is_none() && case.without_hire_date {
            return case.skip(Code::HireDateMissing, "there is no hire date in Personio, so no account is made");
        }
        Findings::default()
    }

    fn review(&self, _schema: &Schema, _changes: &[Change], _accounts: &[Account]) -> Vec<Skip> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use crate::targets::testing::{Trial, loaded, schema};

    #[test]
    fn nobody_without_a_hire_date_gets_an_account() {
        let target = loaded("api_key = 'key'", parse);
        let schema = schema(&*target, &["userName"]);
        let skip = |without_hire_date: bool, account| {
            let trial = Trial { without_hire_date, ..Trial::default() };
            let (findings, _) = trial.run(&*target, &schema, &[("userName", "a@example.com")], account);
            findings.skip.map(|skip| skip.reason)
        };
        assert_eq!(skip(true, None), Some(crate::code::Code::HireDateMissing));
        assert_eq!(skip(false, None), None);
        // An account that is there is kept in line, whatever happened to the date.
        assert_eq!(skip(true, Some(&[("userName", "a@example.com")][..])), None);
    }
}
