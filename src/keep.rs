//! Everybody's scores in a store, for lists, histories and watchers: what `flight-risk score --store` does.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use flight_risk_model::bulk::Scored;
use flight_risk_scoring::artifact::Target;
use flight_risk_scoring::history::EmployeeHistory;
use flight_risk_scoring::{Day, Scorer};
use flight_risk_server::operator::{Operator, Refresh};
use flight_risk_server::store::{Leaver, NewScore, OrgFacts, Store, Telling, now_micros};

use crate::failure::{Kind, failed};
use crate::holder;
use crate::load::{self, ScoredData, Source};

/// Scores of one transaction. All of them in one would keep a server that shares the store from writing to its audit log, and so
/// from answering, until the end.
const SCORES_AT_A_TIME: usize = 1_000;
/// Time between transactions in which such a server gets its turn.
const PAUSE: Duration = Duration::from_millis(10);
/// Microseconds of a day.
const MICROS_PER_DAY: i64 = 86_400_000_000;

/// Refuses what cannot be kept, before anything is read or scored.
pub(crate) fn check(scorer: &Scorer, as_of: Option<Day>) -> anyhow::Result<()> {
    if let Target::SinglePeriod { id_column: None, .. } = &scorer.artifact().content().target {
        return Err(failed(Kind::Data)(
            "--store needs to know whom each row is about, but the model's table has no id column; name one as `id` in the \
             schema and train again",
        ));
    }
    let today = load::today()?;
    match as_of {
        Some(day) if day > today => Err(failed(Kind::Data)(format!(
            "--as-of {day} lies after today ({today}): such scores would stay in force until then; leave --store out"
        ))),
        _ => Ok(()),
    }
}

/// Where scores are kept, and who stands in the audit log for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keeper<'a> {
    /// The store.
    pub(crate) url: &'a str,
    /// The key of its audit log, where it does not lie beside the store.
    pub(crate) key_file: Option<&'a Path>,
    /// Who keeps them.
    pub(crate) name: &'a str,
}

impl Keeper<'_> {
    /// Writes the scores, and the exits that the same tables tell of. Those written stay when a later one fails: the next run puts
    /// others in their place.
    pub(crate) fn write(&self, scorer: &Scorer, data: &ScoredData) -> anyhow::Result<()> {
        self.in_store(async |store, operator| write_all(store, operator, scorer, data, now_micros()).await)
    }

    /// Writes scores of several days, the earliest first, as if each had been written on its day.
    pub(crate) fn write_past(&self, scorer: &Scorer, days: &[ScoredData]) -> anyhow::Result<()> {
        self.in_store(async |store, operator| {
            for data in days {
                let Source::Native { as_of, .. } = &data.source else { continue };
                let at = i64::from(as_of.epoch_days()) * MICROS_PER_DAY;
                write_all(store, operator, scorer, data, at).await?;
            }
            Ok(())
        })
    }

    fn in_store(&self, work: impl AsyncFnOnce(&Store, &Operator<'_>) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot wait for a store")?;
        runtime.block_on(async {
            let store = Store::open(self.url).await.map_err(failed(Kind::Store))?;
            let written = match holder::operator_called(self.name, &store, self.key_file).await {
                Ok(operator) => work(&store, &operator).await,
                Err(error) => Err(error),
            };
            store.close().await;
            written
        })
    }
}

async fn write_all(
    store: &Store,
    operator: &Operator<'_>,
    scorer: &Scorer,
    data: &ScoredData,
    at: i64,
) -> anyhow::Result<()> {
    let today = load::today()?;
    let leavers = leavers(data);
    let refresh = Refresh {
        scores: data.scored.len(),
        exits: leavers.len(),
        as_of: if let Source::Native { as_of, .. } = &data.source { *as_of } else { today },
        model_version: scorer.artifact().model_version(),
    };
    operator.note_refresh(&refresh).await.map_err(failed(Kind::Store))?;
    for (number, scored) in data.scored.chunks(SCORES_AT_A_TIME).enumerate() {
        if number > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        let scores: Vec<NewScore> = scored.iter().map(|scored| new_score(data, scored, today, at)).collect();
        store.record_scores(scorer, &scores, Telling::default()).await.map_err(failed(Kind::Store))?;
    }
    store.report_exits(&leavers, at).await.map_err(failed(Kind::Store))?;
    Ok(())
}

/// Those who left until the day of the scores: what became of earlier scores is compared with it.
fn leavers(data: &ScoredData) -> Vec<Leaver> {
    let Source::Native { data, as_of } = &data.source else { return Vec::new() };
    let left = |history: &EmployeeHistory| {
        let exit = history.exit().filter(|exit| exit.date <= *as_of)?;
        Some(Leaver { employee_id: history.employee_id().as_str().to_owned(), day: exit.date, kind: exit.kind })
    };
    data.company.histories().iter().filter_map(left).collect()
}

fn new_score(data: &ScoredData, scored: &Scored, today: Day, at: i64) -> NewScore {
    let (as_of, org) = match &data.source {
        Source::Native { data, as_of } => {
            let history = data.company.histories().get(scored.employee);
            (*as_of, history.map(|history| OrgFacts::on(history, *as_of)).unwrap_or_default())
        }
        Source::Flat(_) => (today, OrgFacts::default()),
    };
    NewScore {
        employee_id: data.id(scored).to_owned(),
        as_of,
        scored_at: at,
        row: scored.row.clone(),
        assessment: scored.assessment.clone(),
        org,
    }
}
