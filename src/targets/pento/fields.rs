use crate::field::{FieldKind, FieldSpec};
use crate::targets::delivery::Column;

use super::formats;
use super::settings::{PentoSettings, PostCodes};

/// Our name of a field and its column in the file, in the order of the columns. The columns are ours: Pento
/// publishes no template for employees.
pub(super) const COLUMNS: &[Column] = &[
    ("employee_id", "Employee ID"),
    ("first_name", "First name"),
    ("last_name", "Last name"),
    ("title", "Title"),
    ("gender", "Gender"),
    ("date_of_birth", "Date of birth"),
    ("email", "Email"),
    ("address_line_1", "Address line 1"),
    ("address_line_2", "Address line 2"),
    ("city", "City"),
    ("post_code", "Post code"),
    ("country", "Country"),
    ("ni_number", "National Insurance number"),
    ("ni_category", "National Insurance category"),
    ("tax_code", "Tax code"),
    ("starter_declaration", "Starter declaration"),
    ("previous_pay", "Previous pay"),
    ("previous_tax", "Previous tax"),
    ("student_loan_plans", "Student loan plans"),
    ("start_date", "Employment start date"),
    ("termination_date", "Termination date"),
    ("job_title", "Job title"),
    ("sort_code", "Sort code"),
    ("account_number", "Account number"),
    ("pay_schedule", "Pay schedule"),
    ("annual_salary", "Annual salary"),
    ("pension_status", "Pension status"),
    (HOLIDAY_PAY, "Include holiday pay in pension"),
    (STATUS, "Status"),
    (MISSING, "Missing"),
];

/// `Ready` or `Pending`; worked out.
pub(super) const STATUS: &str = "status";
/// What is missing for Ready; worked out.
pub(super) const MISSING: &str = "missing";
/// The setting of the same name, for the record of each employee.
pub(super) const HOLIDAY_PAY: &str = "include_holiday_pay_in_pension";

/// The fields that are worked out.
pub(super) const DERIVED: [&str; 3] = [HOLIDAY_PAY, STATUS, MISSING];

/// What must be there before Pento pays somebody, in words for people.
/// Source: Pento's articles on mandatory data, 4409325299601 and 27738133283985.
pub(super) const REQUIRED: &[(&str, &str)] = &[
    ("first_name", "first name"),
    ("last_name", "last name"),
    ("gender", "gender"),
    ("date_of_birth", "date of birth"),
    ("employee_id", "employee ID"),
    ("address_line_1", "address line 1"),
    ("city", "city"),
    ("country", "country"),
    ("post_code", "post code"),
    ("ni_number", "NI number"),
    ("ni_category", "NI category"),
    ("tax_code", "tax code"),
    ("start_date", "employment start date"),
    ("email", "e-mail"),
    ("sort_code", "sort code"),
    ("account_number", "account number"),
    ("pay_schedule", "pay schedule"),
    ("annual_salary", "salary"),
    ("pension_status", "pension status"),
];

pub(super) fn field(name: &str, settings: &PentoSettings) -> Option<FieldSpec> {
    let (name, _) = COLUMNS.iter().find(|(known, _)| *known == name)?;
    let text = || FieldSpec::new(*name, FieldKind::Text);
    Some(match *name {
        "employee_id" => text().required().validator(formats::payroll_id),
        "title" => text().validator(formats::title),
        "gender" => text().validator(formats::gender),
        "date_of_birth" | "start_date" | "termination_date" => FieldSpec::new(*name, FieldKind::Date),
        "email" => FieldSpec::new(*name, FieldKind::Email),
        "post_code" if settings.post_codes == PostCodes::Uk => text().validator(formats::post_code),
        "ni_number" => text().validator(formats::ni_number),
        "ni_category" => {
            let letters = settings.ni_categories.chars().map(String::from);
            FieldSpec::new(*name, FieldKind::Choice).choices(letters)
        }
        "tax_code" => text().validator(formats::tax_code),
        "starter_declaration" => FieldSpec::new(*name, FieldKind::Choice).choices(["A", "B", "C"]),
        "student_loan_plans" => text().validator(formats::student_loan_plans),
        "sort_code" => text().validator(formats::sort_code),
        "account_number" if settings.pad_account_numbers => text().validator(formats::padded_account_number),
        "account_number" => text().validator(formats::account_number),
        "previous_pay" | "previous_tax" | "annual_salary" => FieldSpec::new(*name, FieldKind::Number),
        HOLIDAY_PAY => FieldSpec::new(*name, FieldKind::Bool),
        _ => text(),
    })
}
