//! What a whole text stands under: a name that is known, or what stands before it in another.

use std::sync::{Arc, OnceLock};

use super::{Layout, Name, Names, Place, Scope};

/// A name that a whole text stands under: a field of a head, a key of a query, a part.
#[derive(Clone, Copy, Debug)]
pub struct Label<'a> {
    pub scope: Scope,
    pub name: &'a [u8],
    /// Those around that one, which speak for a value and never against it.
    pub outer: &'a [(Scope, Box<[u8]>)],
}

/// What a text stands under: its name, or what stands before it in the text above, which is looked at once something asks.
#[derive(Clone, Copy, Debug)]
pub(in crate::detect) enum Above<'a> {
    Nothing,
    Label(Label<'a>),
    Text(&'a Under),
}

impl<'a> Above<'a> {
    pub(in crate::detect) fn label(self) -> Option<Label<'a>> {
        match self {
            Above::Nothing => None,
            Above::Label(label) => Some(label),
            Above::Text(under) => under.label(),
        }
    }

    pub(in crate::detect) fn is_nothing(self) -> bool {
        matches!(self, Above::Nothing)
    }
}

impl<'a> From<Option<Label<'a>>> for Above<'a> {
    fn from(label: Option<Label<'a>>) -> Above<'a> {
        label.map_or(Above::Nothing, Above::Label)
    }
}

/// The names that a text stands under, by what stands before it in the text above. They are looked up once something asks.
#[derive(Clone, Debug)]
pub struct Under {
    before: Vec<u8>,
    layout: Option<Arc<Layout>>,
    told: OnceLock<Option<Told>>,
}

#[derive(Clone, Debug)]
struct Told {
    scope: Scope,
    name: Box<[u8]>,
    outer: Box<[(Scope, Box<[u8]>)]>,
    /// Of what the text stands for, at 0.
    place: Option<Place>,
}

impl Under {
    /// `before`: the text above up to where this one begins, with one byte more than names reach where it has that;
    /// `layout`: what its first line tells.
    #[must_use]
    pub fn new(before: Vec<u8>, layout: Option<&Arc<Layout>>) -> Under {
        Under { before, layout: layout.cloned(), told: OnceLock::new() }
    }

    /// The place of what the text stands for, at 0.
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        self.told()?.place.as_ref()
    }

    fn label(&self) -> Option<Label<'_>> {
        let Told { scope, name, outer, .. } = self.told()?;
        Some(Label { scope: *scope, name, outer })
    }

    fn told(&self) -> Option<&Told> {
        self.told.get_or_init(|| self.look()).as_ref()
    }

    fn look(&self) -> Option<Told> {
        let layout = self.layout.as_deref().unwrap_or_else(|| Layout::plain());
        let (before, mut names) = (&*self.before, Names::new());
        names.look(before, before.len(), layout);
        let (own, outer) = names.list.split_first()?;
        let text = |name: &Name| name.text(before, layout).into();
        let outer = outer.iter().map(|name| (name.scope, text(name))).collect();
        Some(Told { scope: own.scope, name: text(own), outer, place: names.place(0, before, layout) })
    }
}
