//! `rules FILE…`: alert rules judged as they are written, and joined with what runs.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::Args;
use evidence_report::{
    record::Finding,
    run::{Defaults, Finished, Run, Settings, SharedFlags, Usage, YamlProblem, print, read_config},
};
use jiff::Timestamp;

use crate::{
    alertmanager::Configuration,
    checks::TOOL,
    config::{Config, Url},
    error::Error,
    http::{Http, Trust},
    plan::REQUEST_TIMEOUT,
    probes::reading::counted,
    review::{
        Placed, RuleFile, burn_rate, checks,
        config::RulesPolicy,
        coverage, dialect,
        join::{self, World, observe::Server},
        owed::Asked,
        promtool, routes, runbook, written,
    },
    rules::{
        manifest::{self, ManifestError},
        refusal,
        unit_test::{self, Cases},
    },
};

/// What was typed after `rules`.
#[derive(Debug, Clone, Args)]
pub(crate) struct RulesArguments {
    /// Rule files, PrometheusRule manifests, or folders of them
    #[arg(value_name = "FILE", required = true, num_args = 1..)]
    pub(crate) files: Vec<PathBuf>,
    /// Prometheus: are series and rules there?
    #[arg(long, value_name = "URL")]
    pub(crate) prometheus: Option<String>,
    /// Alertmanager: which route, which receiver, what is silenced or inhibited?
    #[arg(long, value_name = "URL")]
    pub(crate) alertmanager: Option<String>,
    /// Alertmanager's configuration file: routes are walked without a server
    #[arg(long, value_name = "FILE")]
    pub(crate) alertmanager_config: Option<PathBuf>,
    /// promtool unit-test files of the rules
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) unit_tests: Vec<PathBuf>,
    /// Ask for runbooks that are links into the web: this reaches out
    #[arg(long)]
    pub(crate) check_links: bool,
}

const DEFAULTS: Defaults = Defaults {
    title: "Alert rules report",
    evidence_name: None,
    tracker_items: &[1],
    timeout: Duration::from_secs(5 * 60),
    valid_for: Duration::from_secs(30 * 86_400),
};

/// What will be done.
struct Plan {
    settings: Settings,
    files: Vec<RuleFile>,
    unreadable: Vec<Finding>,
    policy: RulesPolicy,
    unit_tests: Vec<(PathBuf, Cases)>,
    written: written::Policy,
    configuration: Option<Result<Configuration, Finding>>,
    prometheus: Option<Server>,
    alertmanager: Option<Server>,
    check_links: bool,
    roots: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// When a file that was named cannot be read, or what was seen cannot be written.
pub(crate) async fn execute(arguments: RulesArguments, shared: &SharedFlags) -> Result<ExitCode, Error> {
    let plan = Plan::resolve(arguments, shared)?;
    if shared.dry_run {
        print(&plan.in_words())?;
        return Ok(ExitCode::SUCCESS);
    }
    Ok(plan.looked().await?.publish()?)
}

/// The rules, looked at and not published: for the self-test.
///
/// # Errors
/// When a file that was named cannot be read.
pub(crate) async fn looked(arguments: RulesArguments, shared: &SharedFlags) -> Result<Finished, Error> {
    Plan::resolve(arguments, shared)?.looked().await
}

impl Plan {
    fn resolve(arguments: RulesArguments, shared: &SharedFlags) -> Result<Self, Error> {
        let config: Config = shared.config.as_deref().map(read_config).transpose()?.unwrap_or_default();
        let settings = Settings::resolve(shared, &config.run, &DEFAULTS)?;
        let mut policy = config.rules;
        policy.unit_tests.extend(arguments.unit_tests);
        policy.alertmanager_config = arguments.alertmanager_config.or(policy.alertmanager_config);
        let url = |text: Option<String>| text.map(|text| text.parse::<Url>().map_err(Usage)).transpose();
        let prometheus = url(arguments.prometheus)?.or_else(|| policy.prometheus.clone());
        let alertmanager = url(arguments.alertmanager)?.or_else(|| policy.alertmanager.clone());
        let server = |url: Option<Url>, token: &Option<PathBuf>| {
            url.map(|url| Server::new(url, token.as_ref())).transpose()
        };
        let prometheus = server(prometheus, &policy.prometheus_token_file)?;
        let alertmanager = server(alertmanager, &policy.alertmanager_token_file)?;
        let mut severities: BTreeSet<String> = policy.severities.iter().cloned().collect();
        if let Some(page) = &policy.severity_page {
            let found = severities_of(&read(page)?);
            if found.is_empty() {
                let message = format!(
                    "{} names no `severity: NAME` in code; rules.severity_page is of no use",
                    page.display()
                );
                return Err(Usage(message).into());
            }
            severities.extend(found);
        }
        let written = written::Policy {
            labels: policy.labels.clone().unwrap_or_else(|| vec!["severity".to_owned()]),
            annotations: policy.annotations.clone().unwrap_or_else(|| vec!["summary".to_owned()]),
            severities,
        };
        let configuration = policy.alertmanager_config.as_deref().map(configuration).transpose()?;
        if !policy.routes.is_empty() && configuration.is_none() && alertmanager.is_none() {
            let message = "rules.routes in the configuration needs an Alertmanager: --alertmanager-config FILE or --alertmanager URL";
            return Err(Usage(message.to_owned()).into());
        }
        let (files, unreadable) = read_rules(&arguments.files)?;
        // What is wrong in one of them promtool says.
        let cases = |path: &PathBuf| Ok((path.clone(), unit_test::cases(&read(path)?).unwrap_or_default()));
        let unit_tests = policy.unit_tests.iter().map(cases).collect::<Result<_, Error>>()?;
        Ok(Self {
            settings,
            files,
            unreadable,
            policy,
            unit_tests,
            written,
            configuration,
            prometheus,
            alertmanager,
            check_links: arguments.check_links,
            roots: config.roots,
        })
    }

    fn trust(&self) -> Trust<'_> {
        let servers = self.prometheus.iter().chain(&self.alertmanager);
        let tls = self.check_links || servers.into_iter().any(|server| server.url.0.scheme() == "https");
        match &self.roots {
            Some(path) => Trust::File(path),
            None if tls => Trust::System,
            None => Trust::Nobody,
        }
    }

    fn in_words(&self) -> String {
        let rules: usize =
            self.files.iter().flat_map(|file| &file.groups).map(|group| group.rules.len()).sum();
        let mut text = format!("judge {rules} rules of {} files\n", self.files.len());
        for (what, server) in [("Prometheus", &self.prometheus), ("Alertmanager", &self.alertmanager)] {
            if let Some(server) = server {
                text.push_str(&format!("ask {what} at {}, by GET alone\n", server.url));
            }
        }
        for path in &self.policy.unit_tests {
            text.push_str(&format!("run promtool test rules {}\n", path.display()));
        }
        if self.check_links {
            text.push_str("ask for the runbooks that are links, one after the other\n");
        }
        text
    }

    async fn looked(&self) -> Result<Finished, Error> {
        let http = Http::new(self.trust())?;
        let run = Run::start(&TOOL, self.settings.clone())?;
        let asked = Asked {
            files: &self.files,
            policy: &self.policy,
            written: &self.written,
            prometheus: self.prometheus.is_some(),
            alertmanager: self.alertmanager.is_some(),
        };
        run.owes(asked.owed());
        self.judge(&run, &http).await;
        Ok(run.finish())
    }

    async fn judge(&self, run: &Run, http: &Http) {
        run.findings(self.unreadable.iter().map(|one| written::weighed(one.clone(), run.started())));
        if self.files.is_empty() {
            return;
        }
        run.findings(self.files.iter().map(|file| {
            let rules: u64 = file.groups.iter().map(|group| group.rules.len() as u64).sum();
            let groups = counted(file.groups.len() as u64, "group", "groups");
            let mut observed = format!("{} in {groups}", counted(rules, "rule", "rules"));
            if let Some((first, more)) = refusal::only_newer(&file.groups).split_first() {
                let others =
                    if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
                observed.push_str(&format!("; an older Prometheus (2.42) refuses the file: {first}{others}"));
            }
            checks::READABLE.passed(&file.path).observed(observed).at(file.path.clone(), None)
        }));
        let promtool = promtool::find();
        let refusals = promtool::judge(run, promtool.as_deref(), &self.files).await;
        let mut refused = Vec::new();
        for (rule, why, by_promtool) in written::refused(&self.files, refusals.as_ref()) {
            let asked = self.ask(run, http, &rule).await.unwrap_or(by_promtool);
            let text = std::fs::read_to_string(&rule.file.path).ok();
            refused.push(written::Refused { rule, why, asked, text });
        }
        let weighed = |finding| written::weighed(finding, run.started());
        run.findings(written::expressions(&self.files, &refused).into_iter().map(weighed));
        let texts = written::assess(&self.files, &self.written, refusals.as_ref());
        run.findings(texts.into_iter().map(weighed));
        run.findings(burn_rate::assess(&self.files, &self.policy.slo));
        run.findings(coverage::families(&self.files, &self.policy.families));
        self.unit_tests(run, promtool.as_deref()).await;
        let root = self.policy.runbook_root.clone().unwrap_or_else(|| PathBuf::from("."));
        let links = self.check_links.then_some(http);
        let shelf = runbook::Shelf { root: &root, http: links, timeout: REQUEST_TIMEOUT };
        let Ok(pages) = run.stop().guard(runbook::observe(&self.files, &shelf)).await else { return };
        run.findings(runbook::assess(&self.files, &pages, &self.policy.runbook_sections));
        self.join(run, http, &pages).await;
    }

    /// The server that will evaluate the rule knows best, where one is named and answers.
    async fn ask(&self, run: &Run, http: &Http, rule: &Placed<'_>) -> Option<written::Asked> {
        let server = self.prometheus.as_ref()?;
        run.stop().guard(dialect::ask(http, server, &rule.rule.expression)).await.ok().flatten()
    }

    async fn unit_tests(&self, run: &Run, promtool: Option<&Path>) {
        let mut expectations = Vec::new();
        for (path, cases) in &self.unit_tests {
            run.finding(promtool::unit_tests(run, promtool, path, cases).await);
            expectations.extend(cases.expectations.iter().cloned());
        }
        if !self.unit_tests.is_empty() {
            run.findings(coverage::tested(&self.files, &expectations));
        }
    }

    async fn join(&self, run: &Run, http: &Http, pages: &std::collections::BTreeMap<String, runbook::Page>) {
        let (mut of_file, mut prometheus, mut alertmanager) = (None, None, None);
        match &self.configuration {
            Some(Ok(configuration)) => {
                let path = self.policy.alertmanager_config.iter().map(|path| path.display().to_string());
                run.findings(path.map(|path| {
                    let finding = checks::ROUTES_READABLE.passed(&path).expected(LOADABLE);
                    finding.observed(configuration.digest.clone()).at(path, None)
                }));
                of_file = Some(configuration.clone());
            }
            Some(Err(finding)) => run.finding(finding.clone()),
            None => {}
        }
        if let Some(server) = &self.prometheus {
            match run.stop().guard(join::observe::prometheus(http, server, &self.files)).await {
                Ok(Ok(seen)) => {
                    run.finding(answered("Prometheus", server));
                    prometheus = Some(seen);
                }
                Ok(Err(why)) => run.finding(no_answer("Prometheus", server, &why.to_string())),
                Err(stopped) => run.finding(no_answer("Prometheus", server, &stopped.to_string())),
            }
        }
        if let Some(server) = &self.alertmanager {
            match run.stop().guard(join::observe::alertmanager(http, server)).await {
                Ok(Ok((live, seen))) => {
                    run.finding(answered("Alertmanager", server));
                    run.fact("Alertmanager's configuration", live.digest.clone());
                    of_file = Some(live);
                    alertmanager = Some(seen);
                }
                Ok(Err(why)) => run.finding(no_answer("Alertmanager", server, &why.to_string())),
                Err(stopped) => run.finding(no_answer("Alertmanager", server, &stopped.to_string())),
            }
        }
        let world = World {
            prometheus: prometheus.as_ref(),
            configuration: of_file.as_ref(),
            alertmanager: alertmanager.as_ref(),
            pages,
            at: Timestamp::now(),
        };
        if let Some(configuration) = &of_file {
            run.findings(routes::expected(&self.policy.routes, configuration, world.at));
            let mut sets = join::all_sets(&self.files, &world);
            sets.extend(world.alertmanager.iter().flat_map(|seen| seen.firing.clone()));
            run.findings(routes::unreached(configuration, &sets, &self.policy.routes));
        }
        if world.prometheus.is_some() || world.configuration.is_some() {
            run.findings(join::assess(&self.files, &world));
        }
    }
}

fn no_answer(what: &str, server: &Server, why: &str) -> Finding {
    let subject = format!("{what} at {}", server.url);
    checks::SERVERS.inconclusive(subject).expected(ANSWERS).observed(why)
}

fn answered(what: &str, server: &Server) -> Finding {
    let subject = format!("{what} at {}", server.url);
    checks::SERVERS.passed(subject).expected(ANSWERS).observed("every question was answered")
}

const ANSWERS: &str = "an answer to every question";

const LOADABLE: &str = "a configuration that Alertmanager loads";

fn read(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })
}

/// The configuration of a file; what Alertmanager would refuse is a finding.
fn configuration(path: &Path) -> Result<Result<Configuration, Finding>, Error> {
    let subject = path.display().to_string();
    Ok(Configuration::read(&read(path)?).map_err(|why| {
        let finding = checks::ROUTES_READABLE.failed(&subject).expected(LOADABLE);
        finding.observed(why.to_string()).at(subject.clone(), None)
    }))
}

/// The severities that a page names in code: `severity: critical`.
fn severities_of(page: &str) -> Vec<String> {
    let named = |code: &str| {
        let name = code.strip_prefix("severity:")?.trim().trim_matches(['"', '\'']);
        let whole = name.chars().all(|sign| sign.is_alphanumeric() || "-_".contains(sign));
        (whole && !name.is_empty()).then(|| name.to_owned())
    };
    page.split('`').skip(1).step_by(2).filter_map(named).collect()
}

/// Reads files and folders. What cannot be read as rules is a finding; a file of a folder that holds no rules is
/// passed over.
fn read_rules(paths: &[PathBuf]) -> Result<(Vec<RuleFile>, Vec<Finding>), Error> {
    let (mut files, mut findings) = (Vec::new(), Vec::new());
    for path in paths {
        let is_folder = path.is_dir();
        let found = if is_folder { within(path)? } else { vec![path.clone()] };
        if found.is_empty() {
            return Err(
                Usage(format!("the folder {} holds no .yaml, .yml or .rules file", path.display())).into()
            );
        }
        for path in found {
            let name = path.display().to_string();
            let text = match read(&path) {
                Err(Error::Read { source, .. }) if source.kind() == std::io::ErrorKind::InvalidData => {
                    Err(ManifestError::NoText)
                }
                text => Ok(text?),
            };
            match text.and_then(|text| manifest::read(&text)) {
                Ok(groups) => files.push(RuleFile { path: name, groups }),
                Err(ManifestError::NoGroups) if is_folder => {}
                Err(why) => findings.push(unreadable(&name, &why)),
            }
        }
    }
    if files.is_empty() && findings.is_empty() {
        return Err(Usage("none of the files holds rule groups".to_owned()).into());
    }
    Ok((files, findings))
}

/// The line stands before the finding, so that it is taken out of the words.
fn unreadable(name: &str, why: &ManifestError) -> Finding {
    let finding = checks::READABLE.failed(name).expected("a rule file that Prometheus loads");
    match why {
        ManifestError::Yaml(YamlProblem { line, column, message }) => {
            finding.observed(format!("column {column}: {message}")).at(name, u32::try_from(*line).ok())
        }
        ManifestError::Rule { line, message } => finding.observed(message).at(name, Some(*line)),
        ManifestError::NoText | ManifestError::NoGroups => finding.observed(why.to_string()).at(name, None),
    }
}

/// The rule files below a folder, in order. Links to files are followed (a mounted ConfigMap is made of them), links
/// to folders are not.
fn within(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let wrong = |source| Error::Read { path: folder.to_owned(), source };
    let mut entries =
        std::fs::read_dir(folder).map_err(wrong)?.collect::<Result<Vec<_>, _>>().map_err(wrong)?;
    entries.sort_by_key(std::fs::DirEntry::path);
    let mut found = Vec::new();
    for entry in entries {
        let (path, kind) = (entry.path(), entry.file_type().map_err(wrong)?);
        let is_rules =
            path.extension().is_some_and(|e| ["yaml", "yml", "rules"].iter().any(|known| e == *known));
        if kind.is_dir() {
            found.extend(within(&path)?);
        } else if is_rules && path.is_file() {
            found.push(path);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severities_are_read_from_code_alone() {
        let page = "| Severity |\n- `severity: critical` pages\n- `severity: \"warning\"` waits, severity: none\n- `severity:`\n";
        assert_eq!(severities_of(page), ["critical", "warning"]);
    }
}
