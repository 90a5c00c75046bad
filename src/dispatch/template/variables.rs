//! Which names a template takes from a row, and where they stand.

use std::collections::HashSet;
use std::ops::Range;

use minijinja::machinery::Span;
use minijinja::machinery::ast::{Call, CallArg, Expr, Filter, Spanned, Stmt, Test, Var};

/// A name that a template takes from a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// The name.
    pub name: String,
    /// Whether the template itself says what happens without it (`is defined`, `default`).
    pub optional: bool,
    /// The bytes of the template where it stands: with its braces where nothing else is in them.
    pub spans: Vec<Range<usize>>,
}

/// The names that `tree` uses and does not make itself, in the order in which they first appear.
pub(super) fn find(tree: &Stmt<'_>, source: &str) -> Vec<Variable> {
    let mut walk = Walk { source, made: vec![HashSet::new()], found: Vec::new() };
    walk.statement(tree);
    walk.found.sort_by_key(|variable| variable.spans.first().map_or(0, |span| span.start));
    walk.found
}

/// Functions that the engine has; only a call means them, as a value the name is the row's.
const FUNCTIONS: &[&str] = &["range", "dict", "namespace", "debug"];

struct Walk<'s, 't> {
    source: &'s str,
    /// Names that the template made, per scope.
    made: Vec<HashSet<&'t str>>,
    found: Vec<Variable>,
}

impl<'t> Walk<'_, 't> {
    fn scoped(&mut self, body: impl FnOnce(&mut Self)) {
        self.made.push(HashSet::new());
        body(self);
        self.made.pop();
    }

    fn body(&mut self, statements: &[Stmt<'t>]) {
        for statement in statements {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &Stmt<'t>) {
        match statement {
            Stmt::Template(template) => self.body(&template.children),
            Stmt::EmitExpr(emit) => match &emit.expr {
                Expr::Var(var) => self.found(var, with_braces(self.source, bytes(var.span())), false),
                other => self.expr(other),
            },
            Stmt::EmitRaw(_) => {}
            Stmt::ForLoop(each) => {
                self.expr(&each.iter);
                self.scoped(|walk| {
                    walk.make("loop");
                    walk.assign(&each.target);
                    each.filter_expr.iter().for_each(|filter| walk.expr(filter));
                    walk.body(&each.body);
                });
                self.scoped(|walk| walk.body(&each.else_body));
            }
            Stmt::IfCond(cond) => {
                self.expr(&cond.expr);
                self.scoped(|walk| walk.body(&cond.true_body));
                self.scoped(|walk| walk.body(&cond.false_body));
            }
            Stmt::WithBlock(with) => self.scoped(|walk| {
                for (target, value) in &with.assignments {
                    walk.expr(value);
                    walk.assign(target);
                }
                walk.body(&with.body);
            }),
            Stmt::Set(set) => {
                self.expr(&set.expr);
                self.assign(&set.target);
            }
            Stmt::SetBlock(set) => {
                set.filter.iter().for_each(|filter| self.expr(filter));
                self.scoped(|walk| walk.body(&set.body));
                self.assign(&set.target);
            }
            Stmt::AutoEscape(escape) => {
                self.expr(&escape.enabled);
                self.scoped(|walk| walk.body(&escape.body));
            }
            Stmt::FilterBlock(block) => {
                self.expr(&block.filter);
                self.scoped(|walk| walk.body(&block.body));
            }
            Stmt::Do(call) => self.call(&call.call),
        }
    }

    fn expr(&mut self, expr: &Expr<'t>) {
        match expr {
            Expr::Var(var) => self.found(var, bytes(var.span()), false),
            Expr::Const(_) => {}
            Expr::Slice(slice) => {
                self.expr(&slice.expr);
                [&slice.start, &slice.stop, &slice.step].into_iter().flatten().for_each(|end| self.expr(end));
            }
            Expr::UnaryOp(op) => self.expr(&op.expr),
            Expr::BinOp(op) => [&op.left, &op.right].into_iter().for_each(|side| self.expr(side)),
            Expr::Compare(compare) => {
                self.expr(&compare.expr);
                compare.ops.iter().for_each(|op| self.expr(&op.expr));
            }
            Expr::IfExpr(cond) => {
                self.expr(&cond.test_expr);
                self.expr(&cond.true_expr);
                cond.false_expr.iter().for_each(|part| self.expr(part));
            }
            Expr::Filter(filter) => self.filter(filter),
            Expr::Test(test) => self.test(test),
            Expr::GetAttr(get) => self.expr(&get.expr),
            Expr::GetItem(get) => [&get.expr, &get.subscript_expr].into_iter().for_each(|part| self.expr(part)),
            Expr::Call(call) => self.call(call),
            Expr::List(list) => list.items.iter().for_each(|item| self.expr(item)),
            Expr::Tuple(tuple) => tuple.items.iter().for_each(|item| self.expr(item)),
            Expr::Map(map) => map.keys.iter().chain(&map.values).for_each(|part| self.expr(part)),
        }
    }

    fn filter(&mut self, filter: &Filter<'t>) {
        match &filter.expr {
            Some(Expr::Var(var)) if matches!(filter.name, "default" | "d") => {
                self.found(var, bytes(var.span()), true);
            }
            Some(other) => self.expr(other),
            None => {}
        }
        self.args(&filter.args);
    }

    fn test(&mut self, test: &Test<'t>) {
        match &test.expr {
            Expr::Var(var) if matches!(test.name, "defined" | "undefined") => self.found(var, bytes(var.span()), true),
            other => self.expr(other),
        }
        self.args(&test.args);
    }

    fn call(&mut self, call: &Call<'t>) {
        match &call.expr {
            Expr::Var(var) if FUNCTIONS.contains(&var.id) => {}
            other => self.expr(other),
        }
        self.args(&call.args);
    }

    fn args(&mut self, args: &[CallArg<'t>]) {
        for arg in args {
            match arg {
                CallArg::Pos(expr) | CallArg::Kwarg(_, expr) | CallArg::PosSplat(expr) | CallArg::KwargSplat(expr) => {
                    self.expr(expr);
                }
            }
        }
    }

    fn make(&mut self, name: &'t str) {
        if let Some(scope) = self.made.last_mut() {
            scope.insert(name);
        }
    }

    fn assign(&mut self, target: &Expr<'t>) {
        match target {
            Expr::Var(var) => self.make(var.id),
            Expr::List(list) => list.items.iter().for_each(|item| self.assign(item)),
            Expr::Tuple(tuple) => tuple.items.iter().for_each(|item| self.assign(item)),
            other => self.expr(other),
        }
    }

    fn found(&mut self, var: &Spanned<Var<'t>>, span: Range<usize>, optional: bool) {
        if self.made.iter().any(|scope| scope.contains(var.id)) {
            return;
        }
        match self.found.iter_mut().find(|known| known.name == var.id) {
            Some(known) => {
                known.optional |= optional;
                known.spans.push(span);
            }
            None => self.found.push(Variable { name: var.id.to_owned(), optional, spans: vec![span] }),
        }
    }
}

fn bytes(span: Span) -> Range<usize> {
    span.start_offset as usize..span.end_offset as usize
}

fn with_braces(source: &str, span: Range<usize>) -> Range<usize> {
    let before = source.get(..span.start).and_then(|text| text.rfind("{{"));
    let after = source.get(span.end..).and_then(|text| text.find("}}"));
    match (before, after) {
        (Some(start), Some(length)) => start..span.end + length + 2,
        _ => span,
    }
}
