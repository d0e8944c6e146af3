//! What came of it: those acted on beside those not, and how the scores of the past compare with what happened.

use flight_risk_proto::v1;
use flight_risk_proto::v1::action_service_server::ActionService;
use flight_risk_scoring::wording::numbers;

use crate::console::error::PageError;
use crate::console::frame::{Notice, NoticeKind};
use crate::console::methods;
use crate::console::site::Site;
use crate::console::visit::Visit;
use crate::console::words;

/// Months over which is compared.
const MONTHS: u32 = 12;

/// What is told.
pub(super) struct Outcomes {
    pub(super) months: u32,
    pub(super) sides: [Side; 2],
    pub(super) caveat: Notice,
    pub(super) minimum: u32,
    /// The realised calibration in a sentence; none where it may not be seen.
    pub(super) calibration: Option<Calibration>,
    /// When what is compared was read.
    pub(super) read: Option<String>,
}

/// One side of the comparison.
pub(super) struct Side {
    pub(super) label: &'static str,
    pub(super) figures: Option<Figures>,
}

/// Its figures.
pub(super) struct Figures {
    pub(super) people: String,
    pub(super) expected: String,
    pub(super) observed: String,
    pub(super) ratio: String,
    pub(super) range: String,
}

/// How predictions held.
pub(super) struct Calibration {
    pub(super) total: Option<CalibrationFigures>,
    pub(super) verdict: &'static str,
    pub(super) groups: Vec<CalibrationFigures>,
    pub(super) pending: String,
}

/// A group of past scores.
pub(super) struct CalibrationFigures {
    pub(super) scores: String,
    pub(super) predicted: String,
    pub(super) observed: String,
    pub(super) range: String,
}

/// What may be told to whoever looks.
pub(super) async fn outcomes(site: &Site, visit: &Visit) -> Result<Outcomes, PageError> {
    let request = v1::CompareActedOnRequest { months: MONTHS };
    let (compared, realized) = tokio::join!(site.api().actions.compare_acted_on(visit.ask(request)), async {
        if !visit.may(methods::GET_REALIZED_CALIBRATION) {
            return Ok(None);
        }
        let request = v1::GetRealizedCalibrationRequest::default();
        site.api().actions.get_realized_calibration(visit.ask(request)).await.map(Some)
    });
    let compared = compared?.into_inner();
    Ok(Outcomes {
        months: MONTHS,
        sides: [
            Side {
                label: "Those for whom an action was completed",
                figures: compared.acted_on.as_ref().map(Figures::of),
            },
            Side { label: "Those at risk for whom none was", figures: compared.not_acted_on.as_ref().map(Figures::of) },
        ],
        caveat: Notice::new(NoticeKind::Caution, "This is no proof", compared.caveat),
        minimum: compared.minimum_group_size,
        read: words::time(compared.read_time.as_ref()),
        calibration: realized?.map(|realized| Calibration::of(&realized.into_inner())),
    })
}

impl Figures {
    fn of(group: &v1::ActedOnGroup) -> Self {
        Self {
            people: numbers::count(group.employees),
            expected: words::about(group.expected_exits),
            observed: numbers::count(group.observed_exits),
            ratio: format!("{:.1}", group.ratio),
            range: format!("{:.1} to {:.1}", group.ratio_low, group.ratio_high),
        }
    }
}

impl Calibration {
    fn of(realized: &v1::GetRealizedCalibrationResponse) -> Self {
        let verdict = match &realized.total {
            None => "",
            Some(total) if total.predicted < total.observed_low => {
                "More people left than the scores said: they were too low."
            }
            Some(total) if total.predicted > total.observed_high => {
                "Fewer people left than the scores said: they were too high."
            }
            Some(_) => "What the scores said and what happened agree, within chance.",
        };
        Self {
            total: realized.total.as_ref().map(CalibrationFigures::of),
            verdict,
            groups: realized.groups.iter().map(CalibrationFigures::of).collect(),
            pending: words::count(realized.pending, "score", "scores"),
        }
    }
}

impl CalibrationFigures {
    fn of(group: &v1::CalibrationGroup) -> Self {
        Self {
            scores: numbers::count(group.scores),
            predicted: words::percent(group.predicted),
            observed: words::percent(group.observed),
            range: words::percent_range(group.observed_low, group.observed_high),
        }
    }
}
