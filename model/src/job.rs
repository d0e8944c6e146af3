//! One training job: judged on what the model has not seen, then fitted on everything.

use flight_risk_scoring::Artifact;
use flight_risk_scoring::artifact::{Provenance, Target};
use flight_risk_scoring::metrics::{Evidence, Guard, Metrics, PeriodQuality, Split};

use crate::assemble::{Circumstances, assemble};
use crate::config::TrainingPlan;
use crate::fit::{Fitted, Wanted, fit};
use crate::guards::{self, confidential};
use crate::metrics::quality;
use crate::periods::{Learned, Period, period_quality, periods};
use crate::pipeline::{MIN_EVENTS, Progress, TrainError, TrainOptions};
use crate::selection::{Selection, select};
use crate::signal::{JudgedRows, evidence};
use crate::table::TrainingTable;
use crate::verdict::{Z_BEYOND_NOISE, pending, verdict};

/// The rows and everything that stays the same between judging and fitting.
pub(crate) struct Job<'a> {
    pub(crate) table: &'a TrainingTable,
    pub(crate) plan: &'a TrainingPlan,
    pub(crate) options: TrainOptions,
    pub(crate) target: Target,
    pub(crate) digest: &'a str,
    pub(crate) progress: Progress<'a>,
}

/// What judging found, before the guards and the verdict are known.
pub(crate) struct Judged {
    pub(crate) metrics: Metrics,
    pub(crate) evidence: Evidence,
    /// What cross-validation over all rows chose, where it judged.
    pub(crate) selection: Option<Selection>,
    /// How much structure earlier rows chose, and whether rules: the fit on all rows does not choose again.
    pub(crate) settled: Option<TrainingPlan>,
    /// The model that was judged, where there was one.
    pub(crate) model: Option<(Selection, Fitted)>,
}

impl Job<'_> {
    /// Fits on earlier rows and judges later ones, which begin at a time index.
    pub(crate) fn judge_later(&self, cut: usize, trained: &[usize], judged: &[usize]) -> Result<Judged, TrainError> {
        let (selection, fitted) = self.fit_on(trained)?;
        let predicted = selection.predict(self.table, judged, &fitted);
        let from = self.table.times.as_ref().and_then(|times| times.labels.get(cut).cloned()).unwrap_or_default();
        let mut found =
            self.judged(Split::ByTime { from }, trained, (judged, &self.table.groups_of(judged)), &predicted);
        found.metrics.stability = self.stability(cut, trained, judged, &predicted);
        let settled = Some(self.plan.settled(selection.complexity, selection.rules.is_some()));
        Ok(Judged { settled, model: Some((selection, fitted)), ..found })
    }

    /// Judges every row by a model that did not see it.
    pub(crate) fn judge_by_folds(&self) -> Result<Judged, TrainError> {
        let all = self.all();
        let selection = select(self.table, &all, self.plan)?;
        let split = Split::CrossValidation { folds: selection.folds };
        let found = self.judged(split, &all, (&selection.rows, &selection.groups), &selection.predicted);
        Ok(Judged { selection: Some(selection), ..found })
    }

    fn all(&self) -> Vec<usize> {
        (0..self.table.rows()).collect()
    }

    fn fit_on(&self, trained: &[usize]) -> Result<(Selection, Fitted), TrainError> {
        let selection = select(self.table, trained, self.plan)?;
        let fitted = self.fit(&selection, trained)?;
        Ok((selection, fitted))
    }

    fn fit(&self, selection: &Selection, rows: &[usize]) -> Result<Fitted, TrainError> {
        fit(self.table, rows, &selection.design, &selection.structure, self.plan, Wanted::Covariance)
    }

    /// The figures of some rows, with whom each is about.
    fn judged(&self, split: Split, trained: &[usize], rows: (&[usize], &[u32]), predicted: &[f64]) -> Judged {
        let base_rate = Learned::from(self.table, trained).base_rate();
        let events = self.table.events_of(rows.0);
        let quality = quality(&events, predicted, base_rate, &self.plan.list_lengths);
        Judged {
            evidence: self.evidence(split.clone(), rows, predicted, base_rate),
            metrics: Metrics {
                split,
                rows: quality,
                horizon: None,
                verdict: pending(),
                guards: Vec::new(),
                stability: Vec::new(),
                backtest: Vec::new(),
            },
            selection: None,
            settled: None,
            model: None,
        }
    }

    fn evidence(
        &self,
        split: Split,
        (judged, groups): (&[usize], &[u32]),
        predicted: &[f64],
        base_rate: f64,
    ) -> Evidence {
        let events = self.table.events_of(judged);
        evidence(split, &JudgedRows { events: &events, predicted, groups, base_rate }, Z_BEYOND_NOISE)
    }

    /// The judged rows period by period.
    fn stability(&self, cut: usize, trained: &[usize], judged: &[usize], predicted: &[f64]) -> Vec<PeriodQuality> {
        let Some(times) = self.table.times.as_ref() else { return Vec::new() };
        let learned = Learned::from(self.table, trained);
        let periods = periods(&self.table.events, times, cut, 0);
        periods.iter().filter_map(|&period| period_quality(self.table, period, learned, judged, predicted)).collect()
    }

    /// Walks forward: the exits are cut into periods, and each but the first is judged by a model of what was `before` it.
    pub(crate) fn backtest(&self, before: &dyn Fn(usize) -> Vec<usize>, notes: &mut Vec<String>) -> Vec<PeriodQuality> {
        let Some(times) = self.table.times.as_ref() else { return Vec::new() };
        let mut walked = Vec::new();
        for period in periods(&self.table.events, times, 0, 1).into_iter().skip(1) {
            let from = times.labels.get(period.first).cloned().unwrap_or_default();
            (self.progress)(&format!("Walking forward: {from}"));
            match self.walk(period, &before(period.first)) {
                Ok(quality) => walked.extend(quality),
                Err(why) => notes.push(format!("the backtest leaves out the time from {from}: {why}")),
            }
        }
        if walked.is_empty() {
            notes.push(format!(
                "no backtest: no period has at least {MIN_EVENTS} voluntary exits, and as many rows without one, before it"
            ));
        }
        walked
    }

    fn walk(&self, period: Period, trained: &[usize]) -> Result<Option<PeriodQuality>, TrainError> {
        let learned = Learned::from(self.table, trained);
        if !learned.has(MIN_EVENTS) {
            return Ok(None);
        }
        let (selection, fitted) = self.fit_on(trained)?;
        let judged = self.table.rows_in(period.first..=period.last);
        let predicted = selection.predict(self.table, &judged, &fitted);
        Ok(period_quality(self.table, period, learned, &judged, &predicted))
    }

    /// The artifact of a model fitted on some rows.
    pub(crate) fn artifact(
        &self,
        rows: &[usize],
        (selection, fitted): (Selection, Fitted),
        metrics: Metrics,
        notes: Vec<String>,
    ) -> Result<Artifact, TrainError> {
        let circumstances = self.circumstances(&fitted, metrics, notes);
        let content = assemble(self.table, rows, &selection, fitted, circumstances)?;
        Ok(Artifact::new(content)?)
    }

    /// The model that is written: fitted on all rows, with the figures of the judging, the guards and the verdict.
    pub(crate) fn finish(
        &self,
        judged: Judged,
        mut guards: Vec<Guard>,
        mut notes: Vec<String>,
    ) -> Result<Artifact, TrainError> {
        (self.progress)("Fitting on all rows");
        let all = self.all();
        let Judged { metrics, evidence, selection, settled, .. } = judged;
        let mut evidence = vec![evidence];
        let selection = match selection {
            Some(selection) => selection,
            None => {
                let selection = select(self.table, &all, settled.as_ref().unwrap_or(self.plan))?;
                let split = Split::CrossValidation { folds: selection.folds };
                let base_rate = Learned::from(self.table, &all).base_rate();
                evidence.push(self.evidence(
                    split,
                    (&selection.rows, &selection.groups),
                    &selection.predicted,
                    base_rate,
                ));
                selection
            }
        };
        let fitted = self.fit(&selection, &all)?;
        let events = self.table.event_count();
        let verdict = verdict(evidence, events as u64, fitted.effective_parameters(), self.options.allow_weak);
        if !verdict.publishable && !verdict.allowed_weak {
            return Err(TrainError::NotPublishable(Box::new(verdict)));
        }
        // Only the records of a company tell what was answered in confidence.
        if matches!(self.target, Target::Hazard { .. }) {
            guards.push(confidential(&fitted.design.features));
        }
        if let Some(people) = &selection.people {
            guards::take_over(&mut guards, &guards::same_person(people));
        }
        notes.extend(fitted.design.notes.iter().cloned());
        self.artifact(&all, (selection, fitted), Metrics { verdict, guards, ..metrics }, notes)
    }

    fn circumstances(&self, fitted: &Fitted, metrics: Metrics, notes: Vec<String>) -> Circumstances {
        let labels = self.table.times.as_ref().map(|times| times.labels.as_slice()).unwrap_or_default();
        let provenance = Provenance {
            software_version: env!("CARGO_PKG_VERSION").to_owned(),
            data_digest: self.digest.to_owned(),
            data_from: labels.first().cloned(),
            data_until: labels.last().cloned(),
            config: toml::to_string(&**self.plan).unwrap_or_default(),
            seed: self.plan.seed,
            blocks: fitted.blocks.clone(),
            notes,
        };
        Circumstances { target: self.target.clone(), metrics, provenance }
    }
}
