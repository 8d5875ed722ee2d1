//! How long planning takes, and reading one page of Personio's answers: `cargo bench --bench plan`.
//!
//! Nothing here passes or fails; `benches/README.md` has the figures.

use std::collections::BTreeMap;
use std::sync::Arc;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};

use personio_sync::config::{LoadOptions, Settings, load};
use personio_sync::employee::{
    Attributes, Completeness, Employee, EmployeeId, Employees, Named, Part, Standing, Supervisor, Value, standing,
};
use personio_sync::field::{FieldIndex, FieldValue, Schema};
use personio_sync::http::Method;
use personio_sync::personio::read_page;
use personio_sync::personio::simulated::Personio;
use personio_sync::plan::{Account, Op, PlanInput, PlanMemory, Snapshot, TargetPlan, build};
use personio_sync::rules::Tables;
use personio_sync::section::SecretMode;
use personio_sync::simulation::people::Company;
use personio_sync::simulation::{SECRET, SandboxRequest, System};

const SIZES: [u64; 3] = [1_000, 10_000, 100_000];

/// What a phone list and a service desk usually want: names, a joined name, a folded address, a condition.
const FILE: &str = r#"
[personio]
client_id = "id"
client_secret = "secret"

[targets.directory]
type = "file"
path = "directory.csv"
format = "csv"
match = ["Employee"]
include = ["employment_type == 'internal'"]

[targets.directory.mapping]
Employee = "employee_id"
Name = "first_name ~ ' ' ~ last_name"
E-mail = "email | lower"
Department = "department"
Office = "office"
Position = "position"
Manager = "supervisor_name"
Since = "hire_date"
"#;

fn main() {
    divan::main();
}

fn settings() -> Settings {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("personio-sync.toml");
    std::fs::write(&path, FILE).expect("a file is written");
    let environment = |_: &str| None;
    let options = LoadOptions { secrets: SecretMode::Invent, ..LoadOptions::new(&environment) };
    load(&path, &options).expect("a file without mistakes")
}

fn today() -> chrono::NaiveDate {
    chrono::NaiveDate::from_ymd_opt(2026, 11, 22).expect("a day")
}

fn value(key: &str, number: u64) -> Value {
    let named = |id: u64, name: String| Value::Named(Arc::new(Named { id: Part::Is(id as i64), name: name.into() }));
    match key {
        "department" => named(number % 9, format!("Department {}", number % 9)),
        "office" => named(number % 6, format!("Office {}", number % 6)),
        "supervisor" => Value::Supervisor(Arc::new(Supervisor {
            id: EmployeeId(1 + number / 8),
            email: Part::Is(format!("employee.{}@example.com", 1 + number / 8).into()),
            name: Part::Is(format!("First{0} Last{0}", 1 + number / 8).into()),
        })),
        "hire_date" => Value::Date(today() - chrono::Days::new(1 + number % 5_000)),
        "termination_date" | "last_working_day" => Value::Empty,
        "status" => Value::text("active"),
        "employment_type" => Value::text("internal"),
        "email" => Value::text(&format!("Employee.{number}@example.com")),
        _ => Value::text(&format!("{key} {number}")),
    }
}

/// Everything that planning is given.
struct World {
    settings: Settings,
    schema: Schema,
    employees: Employees,
    standings: Vec<Standing>,
    tables: Arc<Tables>,
}

impl World {
    fn new(size: u64) -> Self {
        let settings = settings();
        let attributes: Attributes = settings.attributes.clone();
        let list = (1..=size)
            .map(|number| {
                let values: Vec<Value> = attributes.keys().map(|key| value(key, number)).collect();
                Employee::new(EmployeeId(number), values)
            })
            .collect();
        let employees = Employees::new(attributes, list, Completeness::Proven);
        let standings =
            employees.list.iter().map(|employee| standing(employee, &employees.attributes, today())).collect();
        let schema = Schema { fields: settings.targets[0].plan.fields.clone(), ..Schema::default() };
        let tables = Arc::new(settings.vocabulary.tables().clone());
        Self { settings, schema, employees, standings, tables }
    }

    fn build(&self, snapshot: Snapshot) -> TargetPlan {
        let memory = PlanMemory::default();
        let input = PlanInput {
            settings: &self.settings.targets[0].plan,
            rules: None,
            schema: &self.schema,
            employees: &self.employees,
            standings: &self.standings,
            today: today(),
            tables: &self.tables,
            identifying: &[],
            memory: &memory,
            references: &BTreeMap::new(),
            only: None,
            changed_only: false,
        };
        build(&input, snapshot).plan
    }

    fn plan(&self, snapshot: Snapshot) -> usize {
        let plan = self.build(snapshot);
        plan.changes.len() + plan.in_sync
    }

    /// The accounts that the plan for an empty target would make.
    fn accounts(&self) -> Snapshot {
        let accounts = self
            .build(Snapshot::default())
            .changes
            .into_iter()
            .filter(|change| change.op == Op::Create)
            .map(|change| {
                let mut fields = vec![FieldValue::Empty; self.schema.fields.len()];
                for field in change.fields {
                    let FieldIndex(index) = field.index;
                    fields[usize::from(index)] = field.after;
                }
                let id = change.employee.expect("a create is for an employee").to_string();
                Account::new(id, true, fields)
            })
            .collect();
        Snapshot { accounts, ..Snapshot::default() }
    }
}

/// Everybody has an account, and none differs.
#[divan::bench(args = SIZES, sample_count = 10)]
fn nothing_to_do(bencher: Bencher<'_, '_>, size: u64) {
    let world = World::new(size);
    let snapshot = world.accounts();
    bencher
        .counter(ItemsCount::new(size))
        .with_inputs(|| snapshot.clone())
        .bench_values(|snapshot| black_box(world.plan(snapshot)));
}

/// Nobody has an account yet.
#[divan::bench(args = SIZES, sample_count = 10)]
fn everything_to_make(bencher: Bencher<'_, '_>, size: u64) {
    let world = World::new(size);
    bencher.counter(ItemsCount::new(size)).bench(|| black_box(world.plan(Snapshot::default())));
}

/// One page of 100 employees with all their attributes, of which a run asks for a few.
#[divan::bench]
fn one_page(bencher: Bencher<'_, '_>) {
    let mut personio = Personio::new(Company::new(100, 7, today()));
    let sign_in = SandboxRequest::new(Method::Post, "/v1/auth")
        .json(&serde_json::json!({"client_id": "id", "client_secret": SECRET}));
    let token = personio.handle(&sign_in).value()["data"]["token"].as_str().unwrap_or_default().to_owned();
    let request = SandboxRequest::get("/v1/company/employees?limit=100");
    let body = personio.handle(&request.header("authorization", &format!("Bearer {token}"))).body;
    let attributes = settings().attributes;
    assert_eq!(read_page(&body, &attributes).expect("a page").len(), 100);
    bencher.counter(BytesCount::new(body.len())).bench(|| black_box(read_page(&body, &attributes)));
}
