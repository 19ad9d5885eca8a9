//! What a file or a block of a dump is compressed by, and reading through it as a stream: no second copy is made,
//! and every checksum that the format carries is verified on the way.

use std::io::{self, BufRead, BufReader, Read};

use flate2::read::{MultiGzDecoder, ZlibDecoder};
use serde::Serialize;

/// A kind of compression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Compression {
    /// As it is.
    None,
    /// A gzip file.
    Gzip,
    /// A zlib stream (blocks of pg_dump's custom format).
    Zlib,
    /// Zstandard.
    Zstd,
    /// LZ4 frames.
    Lz4,
}

impl Compression {
    /// Told by the first four bytes; `None` when they say nothing.
    pub(crate) fn of(first: &[u8]) -> Self {
        match first {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            [0x04, 0x22, 0x4d, 0x18, ..] => Self::Lz4,
            _ => Self::None,
        }
    }

    /// For people.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::None => "not compressed",
            Self::Gzip => "gzip",
            Self::Zlib => "zlib",
            Self::Zstd => "zstd",
            Self::Lz4 => "lz4",
        }
    }

    /// Reads through the compression.
    pub(crate) fn reader<'a>(self, inner: impl Read + Send + 'a) -> Box<dyn Read + Send + 'a> {
        match self {
            Self::None => Box::new(inner),
            Self::Gzip => Box::new(MultiGzDecoder::new(inner)),
            Self::Zlib => Box::new(ZlibDecoder::new(inner)),
            Self::Zstd => Box::new(Zstd { input: Some(BufReader::new(inner)), frame: None }),
            Self::Lz4 => Box::new(Lz4(lz4_flex::frame::FrameDecoder::new(inner))),
        }
    }
}

type Frame<R> = ruzstd::decoding::StreamingDecoder<R, ruzstd::decoding::FrameDecoder>;

/// Zstandard frames, one behind the other, with their checksums.
struct Zstd<R: Read> {
    input: Option<BufReader<R>>,
    frame: Option<Box<Frame<BufReader<R>>>>,
}

impl<R: Read> Read for Zstd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(frame) = &mut self.frame {
                let count = frame.read(buffer)?;
                if count > 0 || buffer.is_empty() {
                    return Ok(count);
                }
            }
            if let Some(frame) = self.frame.take() {
                let (wanted, found) =
                    (frame.decoder.get_checksum_from_data(), frame.decoder.get_calculated_checksum());
                if wanted.is_some() && wanted != found {
                    return Err(damaged("a zstd frame does not fit its checksum"));
                }
                self.input = Some(frame.into_inner());
            }
            let Some(mut input) = self.input.take() else { return Ok(0) };
            if input.fill_buf()?.is_empty() {
                self.input = Some(input);
                return Ok(0);
            }
            let frame = Frame::new(input).map_err(|error| damaged(&format!("zstd: {error}")))?;
            self.frame = Some(Box::new(frame));
        }
    }
}

/// LZ4 frames, one behind the other: their reader pauses at the end of each.
struct Lz4<R: Read>(lz4_flex::frame::FrameDecoder<R>);

impl<R: Read> Read for Lz4<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 if !buffer.is_empty() => self.0.read(buffer),
            count => Ok(count),
        }
    }
}

fn damaged(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        process::{Command, Stdio},
    };

    use super::*;

    fn compressed(program: &str, text: &[u8]) -> Vec<u8> {
        let mut child =
            Command::new(program).arg("-c").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        let text = text.to_owned();
        let writer = std::thread::spawn(move || input.write_all(&text).unwrap());
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        output.stdout
    }

    fn read(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        Compression::of(bytes).reader(bytes).read_to_end(&mut text).map(|_| text)
    }

    #[test]
    fn what_the_machines_programs_compressed_is_read_and_a_cut_or_a_flip_is_an_error() {
        let text: Vec<u8> =
            (0..200_000_u32).flat_map(|number| (number.wrapping_mul(2_654_435_761)).to_le_bytes()).collect();
        for (program, kind) in
            [("gzip", Compression::Gzip), ("zstd", Compression::Zstd), ("lz4", Compression::Lz4)]
        {
            let whole = compressed(program, &text);
            assert_eq!(Compression::of(&whole), kind);
            assert!(read(&whole).unwrap() == text, "{program}");
            let twice = [whole.clone(), whole.clone()].concat();
            assert_eq!(read(&twice).unwrap().len(), 2 * text.len(), "{program}: two frames");
            for part in [5, whole.len() / 2, whole.len() - 1] {
                assert!(read(&whole[..part]).is_err(), "{program}: cut to {part} of {}", whole.len());
            }
            let mut flipped = whole.clone();
            flipped[whole.len() / 2] ^= 0x10;
            assert!(read(&flipped).is_err(), "{program}: flipped");
        }
    }
}
