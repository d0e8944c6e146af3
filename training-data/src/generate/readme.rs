//! The page beside the tables of a generated company.

use super::truth::Truth;

/// A table's name, number of rows, and the lines with its column names and its first row.
pub(super) type Example = (&'static str, usize, [String; 2]);

/// What each column holds.
fn explanation(table: &str) -> (&'static str, &'static [(&'static str, &'static str)]) {
    match table {
        "employees" => (
            "One row per person who worked here since the first exits on record.",
            &[
                ("employee_id", "the person, in all tables; nobody has a name"),
                ("hire_date", "first day of employment"),
                ("exit_date", "last day of employment; blank: still here on the last day on record"),
                ("exit_type", "voluntary, involuntary, retirement, end_of_contract or other; blank: still here"),
                ("gender", "protected: for fairness audits, never a feature"),
                ("age_band", "age on the last day on record; protected: for fairness audits, never a feature"),
            ],
        ),
        "assignments" => (
            "One row per change of position, pay or manager; a row holds until the next one.",
            &[
                ("employee_id", "the person"),
                ("effective_date", "first day on which the row holds"),
                ("manager_id", "who leads the person; blank for the head of the company"),
                ("department", "organisational unit"),
                ("location", "place of work"),
                ("job_title", "name of the position"),
                ("job_level", "seniority, 1 (junior) to 10 (head of the company)"),
                ("employment_type", "full_time, part_time or temporary"),
                ("annual_pay", "pay for a full year, in one currency"),
                ("pay_midpoint", "middle of the pay range of the position"),
                ("critical_role", "true where a loss would hurt most"),
            ],
        ),
        "survey_responses" => (
            "One row per item of each survey put to a person: a quarterly survey, and two for newcomers. Recorded only since \
             shortly before the first exits.",
            &[
                ("employee_id", "the person"),
                ("date", "day of the answer; of the invitation where there is no answer"),
                ("survey", "quarterly or onboarding"),
                ("driver", "growth, recognition, manager, workload, belonging or intent_to_stay"),
                ("score", "the answer; blank: invited, no answer"),
                ("scale_min", "the worst answer possible"),
                ("scale_max", "the best answer possible"),
            ],
        ),
        _ => (
            "One row per contact or piece of feedback. Recorded only since shortly before the first exits.",
            &[
                ("employee_id", "the person"),
                ("date", "the day it took place"),
                (
                    "kind",
                    "one_on_one, recognition_received, recognition_given, feedback_received, feedback_given, \
                     performance_review, goal_update, stay_interview or exit_interview",
                ),
                ("rating", "of a performance_review, 1 (worst) to 5 (best)"),
                ("counterpart_id", "the manager of that day, for one-on-ones, reviews and exit interviews"),
            ],
        ),
    }
}

/// The page for one company.
pub(super) fn page(truth: &Truth, examples: &[Example]) -> String {
    let options = &truth.options;
    let mut text = format!(
        "# A generated company\n\nAbout {} employees, {} years of exits up to {}, seed {}. Nobody in it exists. The same \
         options give the same files, byte for byte.\n\nVoluntary exits are drawn from a known hazard, written in `truth.json`; \
         all other exits come independently of it.\n",
        options.employees, options.years, options.end, options.seed
    );
    for (name, rows, lines) in examples {
        let (about, columns) = explanation(name);
        text.push_str(&format!(
            "\n## {name}.csv\n\n{about} {rows} rows.\n\n| column | meaning | example |\n|---|---|---|\n"
        ));
        let [header, first] = lines;
        for (column, cell) in cells(header).into_iter().zip(cells(first)) {
            let meaning = columns.iter().find(|c| c.0 == column).map_or("", |c| c.1);
            let cell = if cell.is_empty() { "(blank)".to_owned() } else { format!("`{cell}`") };
            text.push_str(&format!("| `{column}` | {meaning} | {cell} |\n"));
        }
    }
    text.push_str(
        "\n## truth.json\n\nThe options, the intercept and the coefficients of the hazard in log-odds per unit of a feature, \
         how to read them, the turnover of each year, and the area under the ROC curve that the true hazard itself reaches \
         month by month: no model can durably exceed it.\n",
    );
    text
}

/// The cells of a line of CSV.
fn cells(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            c => {
                if let Some(cell) = cells.last_mut() {
                    cell.push(c);
                }
            }
        }
    }
    cells
}
