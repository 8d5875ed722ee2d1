use super::Pace;

/// What starts programs by the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Scheduler {
    /// A file for /etc/cron.d
    Cron,
    /// Services and timers
    Systemd,
    /// A workflow of GitHub Actions
    Github,
    /// Jobs for a pipeline schedule
    Gitlab,
    /// `CronJob`s, and where the state is a file, a volume for it
    Kubernetes,
    /// Tasks for the Task Scheduler
    Windows,
}

impl Scheduler {
    /// As the command line spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cron => "cron",
            Self::Systemd => "systemd",
            Self::Github => "github",
            Self::Gitlab => "gitlab",
            Self::Kubernetes => "kubernetes",
            Self::Windows => "windows",
        }
    }

    /// Whether the program comes in an image.
    pub fn runs_an_image(self) -> bool {
        matches!(self, Self::Github | Self::Gitlab | Self::Kubernetes)
    }

    /// Whether the files beside the configuration are those of a repository, and gone after the run.
    pub fn checks_out(self) -> bool {
        matches!(self, Self::Github | Self::Gitlab)
    }
}

/// What is to be called, where, and with what.
#[derive(Clone, Debug)]
pub struct Job {
    /// The program there, if the command line names it.
    pub program: Option<String>,
    /// This program.
    pub this_program: String,
    /// The configuration file, absolute.
    pub config: String,
    /// Its folder, which relative paths in it start from.
    pub folder: String,
    /// Its path in the working folder, where it is in there.
    pub in_repository: Option<String>,
    /// Who the job runs as.
    pub user: String,
    /// What the job runs in.
    pub image: Option<String>,
    /// The file of the state, absolute; `None` on a server.
    pub state: Option<String>,
    /// The variables that secrets are read from.
    pub variables: Vec<String>,
    /// How often.
    pub pace: Pace,
}

impl Job {
    pub(super) fn program_here(&self) -> &str {
        self.program.as_deref().unwrap_or(&self.this_program)
    }

    pub(super) fn program_there(&self) -> &str {
        self.program.as_deref().unwrap_or("personio-sync")
    }

    pub(super) fn config_name(&self) -> &str {
        self.config.rsplit(['/', '\\']).next().unwrap_or(&self.config)
    }

    pub(super) fn variables_file(&self) -> String {
        format!("{}/personio-sync.env", self.folder)
    }

    /// Why the scheduler could not do it.
    pub(super) fn refusal(&self, scheduler: Scheduler) -> Result<(), String> {
        self.refuse_texts()?;
        self.refuse_variables(scheduler)?;
        if scheduler.runs_an_image() && self.image.is_none() {
            return Err(format!(
                "`schedule {}` needs --image: where you put the image that packaging/Dockerfile makes",
                scheduler.as_str()
            ));
        }
        if scheduler.checks_out() && self.in_repository.is_none() {
            return Err(format!(
                "{} is outside of the working folder; run this in the repository that the file is in",
                self.config
            ));
        }
        match &self.state {
            Some(state) if scheduler == Scheduler::Kubernetes && !self.is_beside_the_file(state) => Err(format!(
                "the state {state} is not below the folder of the file, so a pod would lose it; make `state.path` \
                 relative, or use `state.url`"
            )),
            _ => Ok(()),
        }
    }

    fn is_beside_the_file(&self, path: &str) -> bool {
        let inside = path.strip_prefix(&*self.folder);
        inside.is_some_and(|inside| inside.starts_with('/') && !inside.split('/').any(|part| part == ".."))
    }

    /// A line break ends a line of any of the files, and `${{` begins an expression of GitHub's.
    fn refuse_texts(&self) -> Result<(), String> {
        let texts = [&self.program, &Some(self.this_program.clone()), &Some(self.config.clone()), &self.image];
        let wrong = |text: &&String| text.is_empty() || text.contains("${{") || text.chars().any(char::is_control);
        if let Some(text) = texts.into_iter().flatten().find(wrong) {
            return Err(format!(
                "no scheduler takes the name {text:?}; choose one of letters, digits, `.`, `_` and `-`"
            ));
        }
        let letters = |user: &str| user.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
        if self.user.is_empty() || self.user.starts_with('-') || !letters(&self.user) {
            return Err(format!("--user takes the name of a user, which {:?} is not", self.user));
        }
        Ok(())
    }

    fn refuse_variables(&self, scheduler: Scheduler) -> Result<(), String> {
        let is_of_github = |name: &str| scheduler == Scheduler::Github && name.to_uppercase().starts_with("GITHUB_");
        let wrong = |name: &&String| name.starts_with(|first: char| first.is_ascii_digit()) || is_of_github(name);
        match self.variables.iter().find(wrong) {
            Some(name) => {
                Err(format!("{} takes no variable called {name}; call it otherwise in the file", scheduler.as_str()))
            }
            None => Ok(()),
        }
    }
}
