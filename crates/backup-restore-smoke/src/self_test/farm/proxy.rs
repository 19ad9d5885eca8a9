//! Stands between a rehearsal and the source, passes everything on, and does something when a client says a
//! certain thing: it cuts every connection, falls silent, kills the server, or lets somebody else speak first.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rustix::process::{Signal, kill_process};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{UnixListener, UnixStream},
    sync::Notify,
    task::JoinSet,
};

use super::{Database, Task};
use crate::self_test::{remains::processes_of, workshop::Trouble};

/// The name of a server's socket in its folder.
const SOCKET: &str = ".s.PGSQL.5432";

/// What it does.
#[derive(Debug)]
pub(in crate::self_test) enum Then {
    /// Cuts every connection, and takes no further one.
    Cut,
    /// Passes nothing on any more, and says nothing.
    FallSilent,
    /// Kills the server of this data folder, and passes on what comes of it.
    KillServer(PathBuf),
    /// Lets this be said to the source before it passes on.
    Say(Database, &'static str),
}

/// When it does what.
#[derive(Debug)]
struct Rule {
    when: &'static str,
    then: Then,
}

/// A proxy. It ends when it is dropped.
#[derive(Debug)]
pub(in crate::self_test) struct Proxy {
    _task: Task,
}

impl Proxy {
    /// Opens it in this folder, which is made, before the database's server.
    ///
    /// # Errors
    /// When the folder or the socket cannot be made.
    pub(in crate::self_test) fn open(
        folder: &Path,
        database: &Database,
        when: &'static str,
        then: Then,
    ) -> Result<Self, Trouble> {
        std::fs::create_dir(folder)?;
        let listener = UnixListener::bind(folder.join(SOCKET))?;
        let server = database.socket_folder().join(SOCKET);
        let rule = Arc::new(Rule { when, then });
        Ok(Self {
            _task: Task::start(async move {
                let cut = Arc::new(Notify::new());
                let mut connections = JoinSet::new();
                loop {
                    let client = tokio::select! {
                        () = cut.notified() => break,
                        client = listener.accept() => client,
                    };
                    if let (Ok((client, _)), Ok(server)) = (client, UnixStream::connect(&server).await) {
                        connections.spawn(pass_on(client, server, Arc::clone(&rule), Arc::clone(&cut)));
                    }
                }
            }),
        })
    }
}

async fn pass_on(client: UnixStream, server: UnixStream, rule: Arc<Rule>, cut: Arc<Notify>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    tokio::select! {
        () = requests(&mut from_client, &mut to_server, &rule, &cut) => {}
        _ = tokio::io::copy(&mut from_server, &mut to_client) => {}
    }
}

/// What clients say, until it is time to act. A statement arrives in one piece, or its beginning does.
async fn requests(
    client: &mut (impl AsyncRead + Unpin),
    server: &mut (impl AsyncWrite + Unpin),
    rule: &Rule,
    cut: &Notify,
) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = client.read(&mut buffer).await {
        let said = &buffer[..count];
        if said.windows(rule.when.len()).any(|part| part == rule.when.as_bytes()) {
            match &rule.then {
                Then::Cut => return cut.notify_one(),
                Then::KillServer(data) => processes_of(data).into_iter().for_each(|found| {
                    // Who is gone already needs no signal.
                    let _ = kill_process(found.id, Signal::KILL);
                }),
                Then::FallSilent => std::future::pending().await,
                // What is refused shows itself: the fault does not come about.
                Then::Say(database, statements) => drop(database.sql(statements).await),
            }
        }
        if server.write_all(said).await.is_err() {
            return;
        }
    }
}
