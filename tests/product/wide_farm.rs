//! `wide-farm --folder DIR --endpoints NUMBER`: so many TLS servers on loopback, each with a certificate of its own,
//! for the benchmark. `DIR/targets.txt` appears when every server listens; it ends on SIGTERM or SIGINT.

use std::{error::Error, fmt, path::Path, process::ExitCode};

use fs_err as fs;
use testbed::tls_farm::{Authority, Behaviour, Farm, Lifetime};
use tokio::signal::unix::{SignalKind, signal};

const USAGE: &str = "usage: wide-farm --folder DIR --endpoints NUMBER";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder_flag, folder, number_flag, number] = arguments.as_slice() else {
        return complain(&USAGE);
    };
    let number = match number.parse() {
        Ok(number) if folder_flag == "--folder" && number_flag == "--endpoints" => number,
        _ => return complain(&USAGE),
    };
    match serve(Path::new(folder), number) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&error),
    }
}

fn serve(folder: &Path, number: usize) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    let farm = Farm::start()?;
    let authority = Authority::new()?;
    fs::write(folder.join("ca.pem"), authority.root_pem())?;
    // Before targets.txt: whoever sees that file may end us at once.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let _inside = runtime.enter();
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut targets = String::new();
    for _ in 0..number {
        let identity = authority.issue(&["localhost", "127.0.0.1"], Lifetime::days_left(90, 60))?;
        let stand = farm.open(Behaviour::Tls(identity))?;
        targets.push_str(&format!("{}\n", stand.target()));
    }
    let unfinished = folder.join("targets.txt.new");
    fs::write(&unfinished, targets)?;
    fs::rename(unfinished, folder.join("targets.txt"))?;
    runtime.block_on(async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    });
    Ok(())
}

#[expect(clippy::print_stderr, reason = "the one place where an error reaches the user")]
fn complain(error: &dyn fmt::Display) -> ExitCode {
    eprintln!("wide-farm: {error}");
    ExitCode::from(3)
}
