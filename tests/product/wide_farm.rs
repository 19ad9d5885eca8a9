//! Many TLS servers on loopback, each with a certificate of its own below one intermediate, for the benchmarks.
//!
//! `wide-farm --folder DIR --endpoints NUMBER [--dead PERCENT]` serves them on one port, an address of
//! 127.0.0.0/8 each; of the dead ones nobody ever answers. `DIR/targets.txt` appears when all of them listen; it
//! ends on SIGTERM or SIGINT.
//!
//! `wide-farm --folder DIR --endpoints NUMBER --nginx` writes what an nginx needs to serve them, a port each, and
//! ends. `--files` instead of `--nginx` writes only the certificates, each before its issuer in a file.

use std::{
    collections::HashMap,
    error::Error,
    fmt::{self, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use fs_err as fs;
use rustls::{ServerConfig, crypto::aws_lc_rs};
use testbed::tls_farm::{Authority, Farm, Identity, Lifetime};
use tokio::{
    io::AsyncReadExt,
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tokio_rustls::TlsAcceptor;

const USAGE: &str = "usage: wide-farm --folder DIR --endpoints NUMBER [--dead PERCENT | --nginx | --files]";

/// What was typed.
struct Wanted {
    folder: PathBuf,
    endpoints: u32,
    dead_percent: u32,
    task: Task,
}

/// What is made of it.
#[derive(Clone, Copy)]
enum Task {
    Serve,
    WriteForNginx,
    WriteFiles,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(wanted) = wanted(&arguments) else { return complain(&USAGE) };
    let done = match wanted.task {
        Task::Serve => serve(&wanted),
        Task::WriteForNginx => write_for_nginx(&wanted),
        Task::WriteFiles => write_files(&wanted),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&error),
    }
}

fn wanted(arguments: &[String]) -> Option<Wanted> {
    let mut words = arguments.iter();
    let mut wanted = Wanted { folder: PathBuf::new(), endpoints: 0, dead_percent: 0, task: Task::Serve };
    while let Some(word) = words.next() {
        match word.as_str() {
            "--folder" => wanted.folder = words.next()?.into(),
            "--endpoints" => wanted.endpoints = words.next()?.parse().ok()?,
            "--dead" => wanted.dead_percent = words.next()?.parse().ok().filter(|percent| *percent <= 100)?,
            "--nginx" => wanted.task = Task::WriteForNginx,
            "--files" => wanted.task = Task::WriteFiles,
            _ => return None,
        }
    }
    (wanted.folder != Path::new("") && wanted.endpoints > 0).then_some(wanted)
}

/// The addresses 127.0.0.1, 127.0.0.2, … without those that end in 0.
fn addresses(count: u32) -> impl Iterator<Item = Ipv4Addr> {
    let first = u32::from(Ipv4Addr::LOCALHOST);
    (first..).filter(|address| address % 256 != 0).map(Ipv4Addr::from).take(count as usize)
}

fn serve(wanted: &Wanted) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(&wanted.folder)?;
    let farm = Farm::start()?;
    let (deaf, _deaf) = farm.deaf_port_on(Ipv4Addr::UNSPECIFIED.into())?;
    let authority = Authority::new()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        // Before targets.txt: whoever sees that file may end us at once.
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
        let port = listener.local_addr()?.port();
        let (mut acceptors, mut targets) = (HashMap::new(), String::new());
        for (index, address) in (0_u32..).zip(addresses(wanted.endpoints)) {
            let dead = index * wanted.dead_percent % 100 + wanted.dead_percent >= 100;
            if !dead {
                acceptors.insert(IpAddr::from(address), acceptor(&issue(&authority, &address.to_string())?)?);
            }
            writeln!(targets, "{address}:{}", if dead { deaf.port() } else { port })?;
        }
        let serving = tokio::spawn(accept(listener, Arc::new(acceptors)));
        publish(&wanted.folder, &authority, &targets)?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        serving.abort();
        Ok(())
    })
}

fn issue(authority: &Authority, name: &str) -> Result<Identity, Box<dyn Error>> {
    Ok(authority.issue(&[name], Lifetime::days_left(90, 60))?)
}

fn acceptor(identity: &Identity) -> Result<TlsAcceptor, rustls::Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(identity.chain.clone(), identity.key())?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn accept(listener: TcpListener, acceptors: Arc<HashMap<IpAddr, TlsAcceptor>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let acceptors = Arc::clone(&acceptors);
        tokio::spawn(async move {
            let here = stream.local_addr().ok().map(|address: SocketAddr| address.ip());
            let Some(acceptor) = here.and_then(|here| acceptors.get(&here)) else { return };
            if let Ok(mut tls) = acceptor.accept(stream).await {
                let _ = tls.read(&mut [0; 64]).await;
            }
        });
    }
}

/// Certificates, keys, `nginx.conf` and `targets.txt`. The ports were free a moment ago.
fn write_for_nginx(wanted: &Wanted) -> Result<(), Box<dyn Error>> {
    let folder = fs::canonicalize({
        fs::create_dir_all(&wanted.folder)?;
        &wanted.folder
    })?;
    let authority = Authority::new()?;
    let held: Result<Vec<_>, _> =
        (0..wanted.endpoints).map(|_| std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).collect();
    let (mut servers, mut targets) = (String::new(), String::new());
    for listener in held? {
        let address = listener.local_addr()?;
        let identity = issue(&authority, "127.0.0.1")?;
        let stem = folder.join(address.port().to_string());
        fs::write(stem.with_extension("pem"), identity.pem())?;
        fs::write(stem.with_extension("key"), identity.key_pem())?;
        writeln!(
            servers,
            "  server {{ listen {address} ssl; ssl_certificate {stem}.pem; ssl_certificate_key {stem}.key; }}",
            stem = stem.display()
        )?;
        writeln!(targets, "{address}")?;
    }
    let config = format!(
        "worker_processes 2;\nworker_rlimit_nofile 8192;\ndaemon off;\nerror_log {folder}/error.log;\npid {folder}/nginx.pid;\n\
         events {{ worker_connections 4096; }}\nhttp {{\n  access_log off;\n  client_body_temp_path {folder}/body;\n  \
         proxy_temp_path {folder}/proxy;\n  fastcgi_temp_path {folder}/fastcgi;\n  uwsgi_temp_path {folder}/uwsgi;\n  \
         scgi_temp_path {folder}/scgi;\n  ssl_protocols TLSv1.2 TLSv1.3;\n{servers}}}\n",
        folder = folder.display()
    );
    fs::write(folder.join("nginx.conf"), config)?;
    publish(&folder, &authority, &targets)
}

fn write_files(wanted: &Wanted) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(&wanted.folder)?;
    let authority = Authority::new()?;
    for number in 0..wanted.endpoints {
        let identity = issue(&authority, &format!("host-{number}.example"))?;
        fs::write(wanted.folder.join(format!("host-{number}.pem")), identity.pem())?;
    }
    Ok(())
}

fn publish(folder: &Path, authority: &Authority, targets: &str) -> Result<(), Box<dyn Error>> {
    fs::write(folder.join("ca.pem"), authority.root_pem())?;
    let unfinished = folder.join("targets.txt.new");
    fs::write(&unfinished, targets)?;
    Ok(fs::rename(unfinished, folder.join("targets.txt"))?)
}

#[expect(clippy::print_stderr, reason = "the one place where an error reaches the user")]
fn complain(error: &dyn fmt::Display) -> ExitCode {
    eprintln!("wide-farm: {error}");
    ExitCode::from(3)
}
