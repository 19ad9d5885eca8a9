//! What a drill in a real Prometheus will do, as far as that can be said before it is asked.

use std::{collections::BTreeSet, net::SocketAddr, path::PathBuf};

use evidence_report::{
    record::Environment,
    run::{Settings, Usage},
};
use jiff::Timestamp;
use reqwest::header::HeaderMap;

use super::super::{
    DrillError,
    alert_plan::{AlertPlan, Wishes},
    config::DrillConfig,
    hooks::Hooks,
    plan::{Files, Until, alerts, describe},
    prediction::Grouping,
    real::may_be_drilled,
    seconds,
};
use crate::{config::Url, drill_command::DrillArguments};

/// A drill in a real Prometheus.
#[derive(Debug)]
pub(crate) struct LivePlan<'a> {
    pub(crate) settings: Settings,
    pub(super) arguments: &'a DrillArguments,
    pub(super) config: &'a DrillConfig,
    pub(super) files: &'a Files,
    pub(super) now: Timestamp,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    /// Where the series are exposed; nobody listens there where commands cause the fault.
    pub(super) expose: SocketAddr,
    pub(super) targets_file: Option<PathBuf>,
    /// Receivers that may be reached.
    pub(super) receivers: BTreeSet<String>,
    /// Rules that may mix the drill's series with others.
    pub(super) rules: BTreeSet<String>,
    /// The alerts as they would be with the intervals of the command line; Prometheus' own replace them.
    alerts: Vec<AlertPlan>,
    pub(super) skipped: Vec<(String, String)>,
}

impl<'a> LivePlan<'a> {
    /// What was asked for.
    ///
    /// # Errors
    /// When it cannot be done, or is forbidden.
    pub(crate) fn resolve(
        arguments: &'a DrillArguments,
        settings: Settings,
        config: &'a DrillConfig,
        files: &'a Files,
        headers: HeaderMap,
        now: Timestamp,
    ) -> Result<Self, DrillError> {
        let real = &arguments.real;
        let refused = [
            (
                !arguments.alertmanager.is_empty(),
                "--alertmanager",
                "a real Prometheus says itself where it sends alerts",
            ),
            (
                arguments.time_scale.is_some(),
                "--time-scale",
                "a real Prometheus evaluates the rule as it has loaded it",
            ),
        ];
        if let Some((_, flag, why)) = refused.iter().find(|(given, ..)| *given) {
            return Err(Usage(format!("{flag} does not go with --prometheus URL: {why}")).into());
        }
        if arguments.repeat > 1 && arguments.until == Until::Received {
            let why = "--repeat needs the alert to end between two trials; leave --until received out";
            return Err(Usage(why.to_owned()).into());
        }
        let text = arguments.prometheus.as_deref().unwrap_or_default();
        let url: Url = text.parse().map_err(|why| {
            Usage(format!(
                "--prometheus: {why} (a program is named with --embedded, a running server by its URL)"
            ))
        })?;
        may_be_drilled(&url, config.targets.iter().chain(&real.allow_target))?;
        if arguments.run_hooks && (real.expose.is_some() || real.targets_file.is_some()) {
            let why = "--run-hooks causes the real fault, and nothing is exposed: leave --expose and --targets-file out";
            return Err(Usage(why.to_owned()).into());
        }
        if arguments.run_hooks && real.allow_receiver.is_empty() && config.receivers.is_empty() {
            let why = "a real fault carries no label of a drill, and tells whom the alert tells in earnest: name them with \
                       --allow-receiver NAME";
            return Err(Usage(why.to_owned()).into());
        }
        let nowhere = arguments.run_hooks.then(|| SocketAddr::from(([127, 0, 0, 1], 0)));
        let Some(expose) = real.expose.or(nowhere) else {
            let why = "--prometheus URL also needs --expose ADDRESS, where the drill's series are scraped by the job \
                       ops-smoke-drill (or --drill-job NAME); docs/alert-drills.md shows what Prometheus needs";
            return Err(Usage(why.to_owned()).into());
        };
        if settings.environment == Environment::Production && !real.drill_production {
            let why = "a drill in production makes alerts where real ones are handled; --drill-production says that \
                       this is meant";
            return Err(Usage(why.to_owned()).into());
        }
        let mut plan = Self {
            settings,
            arguments,
            config,
            files,
            now,
            url,
            headers,
            expose,
            targets_file: real.targets_file.clone(),
            receivers: config.receivers.iter().chain(&real.allow_receiver).cloned().collect(),
            rules: real.allow_rule.iter().cloned().collect(),
            alerts: Vec::new(),
            skipped: Vec::new(),
        };
        let hooked = plan.arguments.run_hooks;
        (plan.alerts, plan.skipped) =
            alerts(arguments, &plan.wishes(arguments.scrape_interval(), arguments.evaluation_interval()))?;
        Hooks::asked_for_in_vain(hooked, plan.alerts.iter().any(|alert| alert.hooks.is_some()))?;
        Ok(plan)
    }

    /// What holds for every alert, with the intervals of the server.
    pub(super) fn wishes(&self, scrape: std::time::Duration, evaluation: std::time::Duration) -> Wishes<'a> {
        Wishes {
            config: self.config,
            files: self.files,
            now: self.now,
            scrape_interval: scrape,
            evaluation_interval: evaluation,
            query_offset: std::time::Duration::ZERO,
            grouping: Grouping { wait: std::time::Duration::ZERO, interval: std::time::Duration::ZERO },
            time_scale: None,
            objective: self.arguments.objective,
            until: self.arguments.until,
            run_hooks: self.arguments.run_hooks,
            notification_only: false,
            full_history: false,
        }
    }

    /// The alerts, with what the server's intervals make of them.
    ///
    /// # Errors
    /// When one cannot be drilled so.
    pub(super) fn alerts(&self, wishes: &Wishes<'_>) -> Result<Vec<AlertPlan>, DrillError> {
        alerts(self.arguments, wishes).map(|(alerts, _)| alerts)
    }

    /// Whether a rule may mix the drill with others.
    pub(super) fn allows(&self, rule: &super::reach::LiveRule) -> bool {
        self.rules.contains(&rule.title()) || self.rules.contains(&rule.name)
    }
}

impl std::fmt::Display for LivePlan<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for alert in &self.alerts {
            describe(f, alert)?;
        }
        for (name, reason) in &self.skipped {
            writeln!(f, "left out     {name}: {reason}")?;
        }
        let job = &self.arguments.real.drill_job;
        writeln!(
            f,
            "prometheus   {}; its own intervals and routes replace those above once it is asked",
            self.url
        )?;
        if self.arguments.run_hooks {
            writeln!(f, "fault        caused and ended by your commands; nothing is exposed")?;
        } else {
            writeln!(f, "exposed at   http://{}/metrics, scraped by its job {job}", self.expose)?;
        }
        let allowed: Vec<_> = self.receivers.iter().map(String::as_str).collect();
        let allowed = if allowed.is_empty() { "none".to_owned() } else { allowed.join(", ") };
        writeln!(f, "receivers    {allowed}; nothing is begun when an alert would reach any other")?;
        match self.arguments.real.listen {
            Some(address) => writeln!(f, "arrival      our webhook at http://{address}/notifications")?,
            None => writeln!(f, "arrival      Alertmanager's own counters")?,
        }
        writeln!(f, "environment  {}", self.settings.environment.word())?;
        writeln!(f, "timeout      {}", seconds(self.settings.timeout.as_secs_f64()))
    }
}
