//! `tls-farm --folder DIR`: serves the sample farm on 127.0.0.1 until standard input (a pipe) closes, or
//! until SIGTERM or SIGINT. `DIR/targets.txt` appears when every server listens.

use std::{fmt, os::unix::fs::FileTypeExt, path::PathBuf, process::ExitCode};

use testbed::tls_farm::{Farm, write_sample};
use tokio::{
    io::AsyncReadExt,
    signal::unix::{SignalKind, signal},
};

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(flag), Some(folder), None) = (arguments.next(), arguments.next(), arguments.next()) else {
        return complain(&"usage: tls-farm --folder DIR");
    };
    if flag != "--folder" {
        return complain(&"usage: tls-farm --folder DIR");
    }
    match serve(&PathBuf::from(folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&error),
    }
}

fn serve(folder: &std::path::Path) -> Result<(), Box<dyn std::error::Error>> {
    let farm = Farm::start()?;
    // Listening for signals comes before targets.txt: whoever sees that file may end us at once.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let _inside = runtime.enter();
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let _stands = write_sample(&farm, folder)?;
    runtime.block_on(async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = standard_input_closed() => {}
        }
    });
    // A read of standard input may still be waiting on its thread.
    runtime.shutdown_background();
    Ok(())
}

/// A background job of a shell has /dev/null as its standard input, which is no wish to end: only a pipe
/// counts.
async fn standard_input_closed() {
    let pipe = std::fs::metadata("/proc/self/fd/0").is_ok_and(|meta| meta.file_type().is_fifo());
    if !pipe {
        return std::future::pending().await;
    }
    let mut input =
        tokio::net::unix::pipe::Receiver::from_file(match std::fs::File::open("/proc/self/fd/0") {
            Ok(file) => file,
            Err(_) => return std::future::pending().await,
        });
    if let Ok(input) = &mut input {
        while input.read(&mut [0; 64]).await.is_ok_and(|bytes| bytes > 0) {}
    }
}

#[expect(clippy::print_stderr, reason = "the one place where an error reaches the user")]
fn complain(error: &dyn fmt::Display) -> ExitCode {
    eprintln!("tls-farm: {error}");
    ExitCode::from(3)
}
