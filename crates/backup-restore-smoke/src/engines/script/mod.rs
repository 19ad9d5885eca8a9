//! SQL scripts as pg_dump and pg_dumpall write them: cut into statements, judged before anything of them runs.

mod lexer;
mod named;
mod rules;
mod tokens;

pub(crate) use lexer::{End, Piece, read};
pub(crate) use named::{Named, copy_target};
pub(crate) use rules::{Meta, Rule, loads_code, meta, rule};
pub(crate) use tokens::{Placed, Token, placed, tokens};
