//! The farm itself: listeners on ports that the kernel chose, on a runtime of their own.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{net::TcpListener, runtime::Runtime, task::JoinSet};

use super::Behaviour;

/// A farm of servers. Dropping it ends them all.
#[derive(Debug)]
pub struct Farm {
    runtime: Runtime,
}

/// One server of the farm, and what it saw.
#[derive(Debug, Clone)]
pub struct Stand {
    /// Where it listens.
    pub address: SocketAddr,
    seen: Arc<Seen>,
}

/// What a server saw.
#[derive(Debug, Default)]
pub(super) struct Seen {
    connections: AtomicUsize,
    open: AtomicUsize,
    most_open: AtomicUsize,
    handshakes: AtomicUsize,
    application_bytes: AtomicUsize,
    server_names: Mutex<Vec<Option<String>>>,
    plain: Mutex<Vec<u8>>,
}

impl Farm {
    /// A farm without servers.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        Ok(Self { runtime })
    }

    /// Opens a server on 127.0.0.1.
    ///
    /// # Errors
    /// When the port cannot be opened, or the identity cannot be served.
    pub fn open(&self, behaviour: Behaviour) -> io::Result<Stand> {
        self.open_on(Ipv4Addr::LOCALHOST.into(), behaviour)
    }

    /// Opens a server on this address.
    ///
    /// # Errors
    /// When the port cannot be opened, or the identity cannot be served.
    pub fn open_on(&self, address: IpAddr, behaviour: Behaviour) -> io::Result<Stand> {
        self.open_at((address, 0).into(), behaviour)
    }

    /// Opens a server at this address and port; port 0 lets the kernel choose.
    ///
    /// # Errors
    /// When the port cannot be opened, or the identity cannot be served.
    pub fn open_at(&self, address: SocketAddr, behaviour: Behaviour) -> io::Result<Stand> {
        let acceptor = behaviour.acceptor().map_err(io::Error::other)?;
        let listener = self.runtime.block_on(TcpListener::bind(address))?;
        let stand = Stand { address: listener.local_addr()?, seen: Arc::default() };
        let seen = Arc::clone(&stand.seen);
        let behaviour = Arc::new(behaviour);
        self.runtime.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (behaviour, acceptor, seen) =
                    (Arc::clone(&behaviour), acceptor.clone(), Arc::clone(&seen));
                connections.spawn(async move {
                    seen.opened();
                    let _ = behaviour.treat(stream, acceptor.as_ref(), &seen).await;
                    seen.open.fetch_sub(1, Ordering::SeqCst);
                });
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(stand)
    }

    /// A port of 127.0.0.1 on which nobody listens, and which nobody else is given while the guard lives.
    ///
    /// # Errors
    /// When no port is free.
    pub fn dead_port(&self) -> io::Result<(SocketAddr, impl Drop + use<>)> {
        // Bound, and never listening: a connection to it is refused.
        let _inside = self.runtime.enter();
        let socket = tokio::net::TcpSocket::new_v4()?;
        socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        Ok((socket.local_addr()?, DeadPort(socket)))
    }

    /// A port of 127.0.0.1 whose queue is full: who connects is never answered, as behind a firewall that
    /// drops packets. It lasts while the guard lives.
    ///
    /// # Errors
    /// When the queue cannot be filled.
    pub fn deaf_port(&self) -> io::Result<(SocketAddr, impl Drop + use<>)> {
        self.deaf_port_on(Ipv4Addr::LOCALHOST.into())
    }

    /// The same at another address of this machine.
    ///
    /// # Errors
    /// When the queue cannot be filled.
    pub fn deaf_port_on(&self, address: IpAddr) -> io::Result<(SocketAddr, impl Drop + use<>)> {
        let _inside = self.runtime.enter();
        let socket = tokio::net::TcpSocket::new_v4()?;
        socket.bind((address, 0).into())?;
        let listener = socket.listen(1)?;
        let address = listener.local_addr()?;
        let mut waiting = Vec::new();
        // Linux queues one connection more than asked for; the first that is not answered at once shows
        // that the queue is full.
        for _ in 0..16 {
            match std::net::TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
                Ok(stream) => waiting.push(stream),
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                    return Ok((address, DeafPort { _listener: listener, _waiting: waiting }));
                }
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other("the queue of the port does not fill"))
    }
}

struct DeafPort {
    _listener: TcpListener,
    _waiting: Vec<std::net::TcpStream>,
}

impl Drop for DeafPort {
    fn drop(&mut self) {}
}

struct DeadPort(#[expect(dead_code, reason = "held so that the port stays taken")] tokio::net::TcpSocket);

impl Drop for DeadPort {
    fn drop(&mut self) {}
}

impl Stand {
    /// `127.0.0.1:PORT`.
    #[must_use]
    pub fn target(&self) -> String {
        self.address.to_string()
    }

    /// How many connections were accepted.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    /// How many connections were open at one time.
    #[must_use]
    pub fn most_open(&self) -> usize {
        self.seen.most_open.load(Ordering::SeqCst)
    }

    /// How many handshakes came to their end.
    #[must_use]
    pub fn handshakes(&self) -> usize {
        self.seen.handshakes.load(Ordering::SeqCst)
    }

    /// The names that clients asked for, in the order in which their handshakes ended.
    #[must_use]
    pub fn server_names(&self) -> Vec<Option<String>> {
        self.seen.server_names.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What clients said in plain text, one after the other.
    #[must_use]
    pub fn heard(&self) -> String {
        let heard = self.seen.plain.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&heard).into_owned()
    }

    /// How many bytes of application data came from clients.
    #[must_use]
    pub fn application_bytes(&self) -> usize {
        self.seen.application_bytes.load(Ordering::SeqCst)
    }
}

impl Seen {
    fn opened(&self) {
        self.connections.fetch_add(1, Ordering::SeqCst);
        let open = self.open.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_open.fetch_max(open, Ordering::SeqCst);
    }

    pub(super) fn handshake(&self, server_name: Option<&str>) {
        self.server_names.lock().unwrap_or_else(PoisonError::into_inner).push(server_name.map(str::to_owned));
        self.handshakes.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn plain(&self, bytes: &[u8]) {
        self.plain.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
    }

    pub(super) fn application_data(&self, bytes: usize) {
        self.application_bytes.fetch_add(bytes, Ordering::SeqCst);
    }
}
