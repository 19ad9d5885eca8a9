//! What a drill against a real Alertmanager will do, validated and complete.

use std::{collections::BTreeSet, net::SocketAddr, time::Duration};

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
    plan::{Files, Until, alerts},
    prediction::Grouping,
    seconds,
    stack::{INSTANCE, JOB},
};
use super::LABEL;
use crate::{alertmanager::Labels, config::Url, drill_command::DrillArguments};

/// An alert that is posted.
#[derive(Debug)]
pub(crate) struct Posted {
    /// Its rule, as findings speak of it.
    pub(crate) plan: AlertPlan,
    /// Its labels as far as they are known without the series: those of the rule, and those that the expression
    /// gives; or why they are not known.
    pub(crate) labels: Result<Labels, String>,
}

/// A drill against a real Alertmanager.
#[derive(Debug)]
pub(crate) struct RealPlan {
    pub(crate) settings: Settings,
    pub(crate) alerts: Vec<Posted>,
    pub(crate) skipped: Vec<(String, String)>,
    /// The peers; each gets every alert, for posted alerts do not travel between them.
    pub(crate) peers: Vec<Url>,
    pub(crate) headers: HeaderMap,
    /// Peers that may be dead, as host or host:port.
    pub(crate) may_be_dead: Vec<String>,
    /// How long a member of the cluster waits for each one before it.
    pub(crate) peer_timeout: Duration,
    /// Receivers that may be reached.
    pub(crate) allowed: BTreeSet<String>,
    /// Where our webhook listens.
    pub(crate) listen: Option<SocketAddr>,
    /// How many trials each alert gets.
    pub(crate) repeat: u32,
}

impl RealPlan {
    /// What was asked for.
    ///
    /// # Errors
    /// When it cannot be done, or is forbidden.
    pub(crate) fn resolve(
        arguments: &DrillArguments,
        settings: Settings,
        config: &DrillConfig,
        files: &Files,
        headers: HeaderMap,
        now: Timestamp,
    ) -> Result<Self, DrillError> {
        let real = &arguments.real;
        if arguments.alertmanager.is_empty() {
            let how = "say where to drill: --embedded starts the installed Prometheus and Alertmanager on loopback; \
                       --prometheus URL makes the alerts fire in a real one; --alertmanager URL only posts them";
            return Err(Usage(how.to_owned()).into());
        }
        let refused =
            [(arguments.time_scale.is_some(), "--time-scale"), (arguments.run_hooks, "--run-hooks")];
        if let Some((_, flag)) = refused.iter().find(|(given, _)| *given) {
            return Err(
                Usage(format!("{flag} belongs to --embedded; posted alerts have no use for it")).into()
            );
        }
        if arguments.repeat > 1 && arguments.until == Until::Received {
            let why = "--repeat needs the alert to end between two trials; leave --until received out";
            return Err(Usage(why.to_owned()).into());
        }
        let peers = arguments
            .alertmanager
            .iter()
            .map(|text| {
                let url: Url = text.parse().map_err(|why| Usage(format!("--alertmanager: {why}")))?;
                may_be_drilled(&url, config.targets.iter().chain(&real.allow_target))?;
                Ok(url)
            })
            .collect::<Result<Vec<_>, Usage>>()?;
        if settings.environment == Environment::Production && !real.drill_production {
            let why = "a drill in production posts alerts where real ones are handled; --drill-production says \
                       that this is meant";
            return Err(Usage(why.to_owned()).into());
        }
        let wishes = Wishes {
            config,
            files,
            now,
            scrape_interval: arguments.scrape_interval(),
            evaluation_interval: arguments.evaluation_interval(),
            query_offset: Duration::ZERO,
            grouping: Grouping { wait: Duration::ZERO, interval: Duration::ZERO },
            time_scale: None,
            objective: arguments.objective,
            until: arguments.until,
            run_hooks: false,
            notification_only: false,
            full_history: false,
        };
        let (drilled, skipped) = alerts(arguments, &wishes)?;
        let posted = drilled.into_iter().map(|plan| {
            let labels = labels(&plan, &wishes);
            let only = Wishes { notification_only: true, ..wishes };
            Ok(Posted { plan: AlertPlan::resolve(plan.name, plan.written, &only)?, labels })
        });
        Ok(Self {
            settings,
            alerts: posted.collect::<Result<_, DrillError>>()?,
            skipped,
            peers,
            headers,
            may_be_dead: real.allow_dead_peer.clone(),
            peer_timeout: real.peer_timeout,
            allowed: config.receivers.iter().chain(&real.allow_receiver).cloned().collect(),
            listen: real.listen,
            repeat: arguments.repeat,
        })
    }
}

/// Loopback may always be drilled; any other host must have been named.
pub(in super::super) fn may_be_drilled<'a>(
    url: &Url,
    mut allowed: impl Iterator<Item = &'a String>,
) -> Result<(), Usage> {
    let host = url.0.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let loopback = host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
    let port = url.0.port_or_known_default().unwrap_or_default();
    let with_port = format!("{host}:{port}");
    if loopback || allowed.any(|target| target == host || *target == with_port) {
        return Ok(());
    }
    Err(Usage(format!(
        "{with_port} is not on the list of targets that may be drilled; add it with --allow-target {with_port}, or in \
         the configuration under drill.targets"
    )))
}

/// The labels that the alert has in reality, as far as they can be told.
fn labels(plan: &AlertPlan, wishes: &Wishes<'_>) -> Result<Labels, String> {
    let rule = &plan.written.rule;
    if let Some((label, _)) = rule.labels.iter().find(|(_, value)| value.contains("{{")) {
        return Err(format!("its label {label} is a template, so that its route cannot be computed"));
    }
    let mut labels = plan.firing_labels(wishes).and_then(|all| all.into_iter().next()).unwrap_or_default();
    // What a fixture's target would add; and the drill's label, which an expression may keep apart (`sum by (drill)`).
    labels.retain(|name, value| {
        name != LABEL && !matches!((name.as_str(), value.as_str()), ("job", JOB) | ("instance", INSTANCE))
    });
    labels.extend(rule.labels.clone());
    labels.insert("alertname".to_owned(), rule.name.clone());
    Ok(labels)
}

impl std::fmt::Display for RealPlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for posted in &self.alerts {
            let name = &posted.plan.name;
            match &posted.labels {
                Ok(labels) => writeln!(f, "alert        {name}: {}", super::in_braces(labels))?,
                Err(why) => writeln!(f, "alert        {name}: not posted: {why}")?,
            }
        }
        for (name, reason) in &self.skipped {
            writeln!(f, "left out     {name}: {reason}")?;
        }
        for peer in &self.peers {
            writeln!(f, "posted to    {peer}")?;
        }
        let allowed: Vec<_> = self.allowed.iter().map(String::as_str).collect();
        let allowed = if allowed.is_empty() { "none".to_owned() } else { allowed.join(", ") };
        writeln!(f, "receivers    {allowed}; refused when an alert would reach any other")?;
        match self.listen {
            Some(address) => writeln!(f, "arrival      our webhook at http://{address}/notifications")?,
            None => writeln!(f, "arrival      Alertmanager's own counters")?,
        }
        writeln!(f, "environment  {}", self.settings.environment.word())?;
        writeln!(f, "timeout      {}", seconds(self.settings.timeout.as_secs_f64()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_that_nobody_named_are_not_drilled() {
        let allowed = ["am.example".to_owned(), "10.0.0.1:9093".to_owned()];
        for (url, may) in [
            ("http://127.0.0.1:9093/", true),
            ("http://[::1]:9093/am", true),
            ("http://localhost/", true),
            ("https://am.example/", true),
            ("http://10.0.0.1:9093", true),
            ("http://10.0.0.1:9094", false),
            ("http://127.0.0.1.evil.example/", false),
            ("http://am.example.evil/", false),
        ] {
            assert_eq!(may_be_drilled(&url.parse().unwrap(), allowed.iter()).is_ok(), may, "{url}");
        }
    }
}
