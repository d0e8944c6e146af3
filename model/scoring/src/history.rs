//! An employee's history: what is known about one person, in the order in which it happened.
//!
//! [`EmployeeHistory::new`] sorts the facts and derives the change points (promotions, raises, manager changes, survey
//! waves) once. A change point carries the date of the fact that made it known and depends on earlier facts alone, so
//! cutting the history at a day never needs anything that came later.

use crate::date::Day;
use crate::survey::SurveyHistory;

/// The identifier of an employee in the company's own system.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EmployeeId(String);

impl EmployeeId {
    /// An identifier; `None` when it is blank.
    pub fn new(text: &str) -> Option<Self> {
        (!Self::is_blank(text)).then(|| Self(text.trim().to_owned()))
    }

    /// Whether a text is no identifier.
    pub fn is_blank(text: &str) -> bool {
        text.trim().is_empty()
    }

    /// The identifier as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for EmployeeId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why somebody left. Only voluntary exits are predicted; every other kind ends the observation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExitKind {
    /// The employee resigned.
    Voluntary,
    /// The employer ended the employment.
    Involuntary,
    /// Left into retirement.
    Retirement,
    /// A fixed term ran out.
    EndOfContract,
    /// Any other end (death, transfer out of the group, unknown).
    Other,
}

impl ExitKind {
    /// The names used in tables, in the order of the documentation.
    pub const NAMES: [(&'static str, Self); 5] = [
        ("voluntary", Self::Voluntary),
        ("involuntary", Self::Involuntary),
        ("retirement", Self::Retirement),
        ("end_of_contract", Self::EndOfContract),
        ("other", Self::Other),
    ];

    /// The kind with this name (case and surrounding blanks do not matter).
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        Self::NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|&(_, kind)| kind)
    }

    /// The name used in tables.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|&&(_, kind)| kind == self).map_or("other", |&(name, _)| name)
    }
}

/// The end of an employment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    /// The last day of employment.
    pub date: Day,
    /// Why it ended.
    pub kind: ExitKind,
}

/// One row per change of position, pay or manager. A field left `None` is unknown from this day on.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    /// The first day on which this holds.
    pub effective_date: Day,
    /// Who the employee reports to.
    pub manager_id: Option<EmployeeId>,
    /// Organisational unit.
    pub department: Option<String>,
    /// Place of work.
    pub location: Option<String>,
    /// Name of the position.
    pub job_title: Option<String>,
    /// Seniority as a number; see [`parse_job_level`].
    pub job_level: Option<f64>,
    /// Full-time, part-time, temporary ...
    pub employment_type: Option<String>,
    /// Pay for a year at this rate, in the company's currency; positive.
    pub annual_pay: Option<f64>,
    /// Midpoint of the pay range of this position, in the same currency; positive.
    pub pay_midpoint: Option<f64>,
    /// Whether losing the holder of this position would hurt most.
    pub critical_role: Option<bool>,
}

impl Assignment {
    /// An assignment of which only the first day is known.
    pub fn starting(effective_date: Day) -> Self {
        Self {
            effective_date,
            manager_id: None,
            department: None,
            location: None,
            job_title: None,
            job_level: None,
            employment_type: None,
            annual_pay: None,
            pay_midpoint: None,
            critical_role: None,
        }
    }
}

/// A level as HR systems write it, as a number: the first digits of the text (`3`, `L3`, `Grade 7`, `IC-4`); `None` without any.
pub fn parse_job_level(text: &str) -> Option<f64> {
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let digits = text.get(start..)?;
    let end = digits.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(digits.len());
    digits.get(..end)?.trim_end_matches('.').parse().ok().filter(|level: &f64| level.is_finite())
}

/// One item of one survey put to one employee.
#[derive(Clone, Debug, PartialEq)]
pub struct SurveyResponse {
    /// The day of the answer, or of the invitation where there is no answer.
    pub date: Day,
    /// The survey's name.
    pub survey: String,
    /// What the item is about (growth, recognition, manager, workload, belonging, intent_to_stay, or anything else).
    pub driver: String,
    /// The answer on a scale from 0 (worst) to 1 (best); `None`: invited, no answer.
    pub score: Option<f64>,
}

/// What kind of contact or feedback an event was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FeedbackKind {
    /// A talk between manager and employee.
    OneOnOne,
    /// Thanks or praise received.
    RecognitionReceived,
    /// Thanks or praise given.
    RecognitionGiven,
    /// Feedback received.
    FeedbackReceived,
    /// Feedback given.
    FeedbackGiven,
    /// A performance review; carries a rating.
    PerformanceReview,
    /// Goals agreed or updated.
    GoalUpdate,
    /// A talk about what would make the employee stay.
    StayInterview,
    /// Any other kind; counted among all contacts.
    Other,
}

impl FeedbackKind {
    /// The names used in tables; any other name is [`FeedbackKind::Other`].
    pub const NAMES: [(&'static str, Self); 8] = [
        ("one_on_one", Self::OneOnOne),
        ("recognition_received", Self::RecognitionReceived),
        ("recognition_given", Self::RecognitionGiven),
        ("feedback_received", Self::FeedbackReceived),
        ("feedback_given", Self::FeedbackGiven),
        ("performance_review", Self::PerformanceReview),
        ("goal_update", Self::GoalUpdate),
        ("stay_interview", Self::StayInterview),
    ];
    /// Number of kinds, `Other` included; `kind as usize` is below it.
    pub const COUNT: usize = Self::NAMES.len() + 1;

    /// The kind with this name; case and surrounding blanks do not matter, and blanks and hyphens stand for underscores.
    pub fn parse(text: &str) -> Self {
        let text = text.trim().replace([' ', '-'], "_");
        Self::NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(&text)).map_or(Self::Other, |&(_, kind)| kind)
    }

    /// The name used in tables.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|&&(_, kind)| kind == self).map_or("other", |&(name, _)| name)
    }
}

/// One contact or piece of feedback.
#[derive(Clone, Debug, PartialEq)]
pub struct FeedbackEvent {
    /// The day it took place.
    pub date: Day,
    /// What it was.
    pub kind: FeedbackKind,
    /// A rating on the company's own scale, higher is better.
    pub rating: Option<f64>,
}

/// Since when each kind of record has been kept. A count over days on which nothing was recorded is unknown, not zero.
#[derive(Clone, Debug, PartialEq)]
pub struct Coverage {
    /// First day of the assignments table; `None`: no such table.
    pub assignments_since: Option<Day>,
    /// First day of the survey table; `None`: no such table.
    pub surveys_since: Option<Day>,
    /// First day of each kind of feedback record (index `kind as usize`); `None`: never recorded.
    pub feedback_since: [Option<Day>; FeedbackKind::COUNT],
}

impl Coverage {
    /// Nothing is recorded but the employments themselves.
    pub const NONE: Self =
        Self { assignments_since: None, surveys_since: None, feedback_since: [None; FeedbackKind::COUNT] };

    /// Everything has been recorded since before `day`.
    pub fn everything_since(day: Day) -> Self {
        Self {
            assignments_since: Some(day),
            surveys_since: Some(day),
            feedback_since: [Some(day); FeedbackKind::COUNT],
        }
    }

    /// What is kept, read off the records themselves: the first date of each kind in the whole company.
    pub fn of(histories: &[EmployeeHistory]) -> Self {
        let mut coverage = Self::NONE;
        let earlier = |slot: &mut Option<Day>, day: Day| *slot = Some(slot.map_or(day, |d| d.min(day)));
        for history in histories {
            if let Some(first) = history.assignments.first() {
                earlier(&mut coverage.assignments_since, first.effective_date);
            }
            if let Some(first) = history.surveys.first_date() {
                earlier(&mut coverage.surveys_since, first);
            }
            for (slot, days) in coverage.feedback_since.iter_mut().zip(&history.feedback_days) {
                if let Some(&first) = days.first() {
                    earlier(slot, first);
                }
            }
        }
        coverage
    }
}

/// The facts of one employee as they come, in any order.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryFacts {
    /// Whose facts these are.
    pub employee_id: EmployeeId,
    /// First day of employment.
    pub hire_date: Day,
    /// The end of the employment, where it has ended.
    pub exit: Option<Exit>,
    /// Last day on which it is known whether the employee was still there; `None`: the end of the data.
    pub observed_until: Option<Day>,
    /// Position, pay and manager over time.
    pub assignments: Vec<Assignment>,
    /// Survey items with and without answer.
    pub survey_responses: Vec<SurveyResponse>,
    /// Contacts and feedback.
    pub feedback: Vec<FeedbackEvent>,
}

/// One employee's history, sorted, with the change points derived from it.
#[derive(Clone, Debug, PartialEq)]
pub struct EmployeeHistory {
    employee_id: EmployeeId,
    hire_date: Day,
    exit: Option<Exit>,
    observed_until: Option<Day>,
    pub(crate) assignments: Vec<Assignment>,
    pub(crate) surveys: SurveyHistory,
    /// Days of each kind of feedback, ascending; index `kind as usize`.
    pub(crate) feedback_days: [Vec<Day>; FeedbackKind::COUNT],
    /// Rated performance reviews, ascending.
    pub(crate) reviews: Vec<(Day, f64)>,
    pub(crate) role_starts: Vec<Day>,
    pub(crate) promotions: Vec<Day>,
    pub(crate) moves: Vec<Day>,
    pub(crate) raises: Vec<Day>,
    pub(crate) manager_changes: Vec<Day>,
    /// For each assignment, what it shares with the one before.
    pub(crate) carried_over: Vec<CarriedOver>,
}

/// What an assignment shares with the one before: most change pay alone, and comparing once is cheaper than at every use.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct CarriedOver {
    /// The manager, known or not.
    pub(crate) manager: bool,
    /// Department and location, known or not.
    pub(crate) unit: bool,
}

impl EmployeeHistory {
    /// Sorts the facts and derives the change points.
    pub fn new(facts: HistoryFacts) -> Self {
        let HistoryFacts { employee_id, hire_date, exit, observed_until, mut assignments, survey_responses, feedback } =
            facts;
        assignments.sort_by_key(|a| a.effective_date);
        let mut feedback_days: [Vec<Day>; FeedbackKind::COUNT] = Default::default();
        let mut reviews = Vec::new();
        for event in &feedback {
            if let Some(days) = feedback_days.get_mut(event.kind as usize) {
                days.push(event.date);
            }
            if let (FeedbackKind::PerformanceReview, Some(rating)) = (event.kind, event.rating) {
                reviews.push((event.date, rating));
            }
        }
        for days in &mut feedback_days {
            days.sort_unstable();
        }
        // Reviews of one day are ordered by rating, so that the order of the rows in a file means nothing.
        reviews.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let mut history = Self {
            employee_id,
            hire_date,
            exit,
            observed_until,
            assignments,
            surveys: SurveyHistory::new(survey_responses),
            feedback_days,
            reviews,
            role_starts: Vec::new(),
            promotions: Vec::new(),
            moves: Vec::new(),
            raises: Vec::new(),
            manager_changes: Vec::new(),
            carried_over: Vec::new(),
        };
        history.derive_change_points();
        history
    }

    fn derive_change_points(&mut self) {
        self.carried_over.extend(self.assignments.first().map(|_| CarriedOver::default()));
        for pair in self.assignments.windows(2) {
            let [before, after] = pair else { continue };
            let date = after.effective_date;
            self.carried_over.push(CarriedOver {
                manager: before.manager_id == after.manager_id,
                unit: before.department == after.department && before.location == after.location,
            });
            // A change needs both sides: from unknown to known is news about the record, not about the person.
            let changed = |a: &Option<String>, b: &Option<String>| a.is_some() && b.is_some() && a != b;
            let rose = |a: Option<f64>, b: Option<f64>| matches!((a, b), (Some(a), Some(b)) if b > a);
            let title = changed(&before.job_title, &after.job_title);
            if title {
                self.role_starts.push(date);
            }
            if title || changed(&before.department, &after.department) || changed(&before.location, &after.location) {
                self.moves.push(date);
            }
            if rose(before.job_level, after.job_level) {
                self.promotions.push(date);
            }
            if rose(before.annual_pay, after.annual_pay) {
                self.raises.push(date);
            }
            if before.manager_id.is_some() && after.manager_id.is_some() && before.manager_id != after.manager_id {
                self.manager_changes.push(date);
            }
        }
    }

    /// Whose history this is.
    pub fn employee_id(&self) -> &EmployeeId {
        &self.employee_id
    }

    /// First day of employment.
    pub fn hire_date(&self) -> Day {
        self.hire_date
    }

    /// The end of the employment, where it has ended.
    pub fn exit(&self) -> Option<Exit> {
        self.exit
    }

    /// The censoring date, where one is recorded.
    pub fn observed_until(&self) -> Option<Day> {
        self.observed_until
    }

    /// Whether the person is employed at the end of this day.
    pub fn employed_on(&self, day: Day) -> bool {
        self.hire_date <= day && self.exit.is_none_or(|exit| exit.date > day)
    }

    /// Position, pay and manager in force on this day.
    pub fn assignment_on(&self, day: Day) -> Option<&Assignment> {
        self.assignments_until(day).last()
    }

    /// The assignments that took effect on or before this day, ascending.
    pub fn assignments_until(&self, day: Day) -> &[Assignment] {
        let count = self.assignments.partition_point(|a| a.effective_date <= day);
        self.assignments.get(..count).unwrap_or_default()
    }

    /// The latest date of any fact in this history.
    pub fn last_date(&self) -> Day {
        let mut last = self.hire_date;
        let mut see = |day: Option<Day>| last = last.max(day.unwrap_or(last));
        see(self.exit.map(|exit| exit.date));
        see(self.observed_until);
        see(self.assignments.last().map(|a| a.effective_date));
        see(self.surveys.last_date());
        for days in &self.feedback_days {
            see(days.last().copied());
        }
        last
    }
}

/// How many of the ascending `days` lie in the `window` days up to and including `as_of`.
pub(crate) fn count_within(days: &[Day], as_of: Day, window: i32) -> usize {
    let end = days.partition_point(|&d| d <= as_of);
    let start = days.partition_point(|&d| d <= as_of.plus_days(-window));
    end.saturating_sub(start)
}

/// The latest of the ascending `days` on or before `as_of`.
pub(crate) fn latest(days: &[Day], as_of: Day) -> Option<Day> {
    let end = days.partition_point(|&d| d <= as_of);
    end.checked_sub(1).and_then(|i| days.get(i)).copied()
}
