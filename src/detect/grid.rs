//! Four groups in a table of whole numbers, whose rows have as many numbers each, or in a long row of them: a list of cards has
//! cards in the same columns of other rows; in a table of measurements some fours are cards by chance.

use std::ops::Range;

use crate::limits;

/// Groups of a card, each of so many digits.
const GROUPS: usize = 4;
const GROUP: usize = 4;

/// Most digits of a number in a row.
const CELL: usize = 6;

/// Numbers of a row, a card and as many others, of which a few rows tell what they are.
const CELLS: usize = 8;
const FEW_CELLS: usize = 6;

/// Other rows that hold four groups in the columns of the value, at least; where they hold few others, and where hardly one.
const ROWS: usize = 2;
const MORE_ROWS: usize = 4;
const MANY_ROWS: usize = 6;

/// Of so many other rows one may hold in these columns what passes, as one in sixty does by chance.
const CHANCE: usize = 8;

/// Numbers of a long row, beside a card: rows of people and their cards hold fewer.
const LONG: usize = 12;

/// Of so many numbers of a long row one may begin four groups that pass, as one in forty does by chance.
const FEW: usize = 8;

/// Whether four groups stand in such a table or in a long row by chance.
pub(super) fn is_by_chance(text: &[u8], value: &Range<usize>, passes: impl Fn(&[u8]) -> bool) -> bool {
    is_in_table(text, value, &passes) || is_in_long_row(text, value, &passes)
}

/// Whether a value begins with four groups in a row of many numbers, where those right beside them make no value, hardly any
/// others of the row do, and hardly any in the same columns of other rows.
fn is_in_long_row(text: &[u8], value: &Range<usize>, passes: impl Fn(&[u8]) -> bool) -> bool {
    let least = value.start.saturating_sub(limits::TABLE_REACH);
    let most = text.len().min(value.end + limits::CROWD_REACH);
    let (row, [is_begun, is_ended]) = row_around(text, value, (least, most));
    let cells = |part| numbers(text, part, |at| is_command(text, at));
    let (Some(before), Some(own), Some(after)) =
        (cells(row.start..value.start), cells(value.clone()), cells(value.end..row.end))
    else {
        return false;
    };
    let four = |cells: &[Range<usize>]| four(text, cells);
    let is_card = |cells: &[Range<usize>]| four(cells).is_some_and(|four| passes(&four));
    if before.len() + after.len() < LONG || own.get(..GROUPS).and_then(four).is_none() {
        return false;
    }
    let (mut fours, mut cards) = (0, 0);
    for cells in [&before, &after].into_iter().flat_map(|cells| cells.windows(GROUPS)) {
        fours += usize::from(four(cells).is_some());
        cards += usize::from(is_card(cells));
    }
    let nearest = [before.len().checked_sub(GROUPS).map(|at| &before[at..]), after.get(..GROUPS)];
    let is_beside = nearest.into_iter().flatten().any(is_card);
    if fours < ROWS || cards * FEW > before.len() + after.len() || is_beside {
        return false;
    }
    let column = before.len()..before.len() + GROUPS;
    let above = is_begun.then(|| rows_before(text, least, row.start));
    let below = (is_begun && is_ended).then(|| rows_after(text, row.end, most));
    let (mut rows, mut passing) = (0, 0);
    for cells in above.into_iter().flatten().chain(below.into_iter().flatten()) {
        let Some(beside) = cells.get(column.clone()) else { continue };
        rows += usize::from(four(beside).is_some());
        passing += usize::from(is_card(beside));
    }
    passing * CHANCE <= rows
}

/// Whether a letter between blanks goes on with the path of a drawing, as in `C 6166 2300 5895 2051 5706 1976 L 5573 1923`.
fn is_command(text: &[u8], at: usize) -> bool {
    let is_blank = |at: usize| text.get(at).is_some_and(u8::is_ascii_whitespace);
    let is_letter =
        matches!(text[at].to_ascii_uppercase(), b'C' | b'H' | b'L' | b'M' | b'Q' | b'S' | b'T' | b'V');
    is_letter && at.checked_sub(1).is_some_and(is_blank) && is_blank(at + 1)
}

/// The numbers of one line around a value, and whether the line begins and ends with them. What is joined to something else, or
/// cut where reading ends, is none.
fn row_around(text: &[u8], value: &Range<usize>, (least, most): (usize, usize)) -> (Range<usize>, [bool; 2]) {
    let is_row = |at: &usize| {
        text[*at].is_ascii_digit() || matches!(text[*at], b' ' | b'\t' | b'\r') || is_command(text, *at)
    };
    let is_digit = |byte: &&u8| byte.is_ascii_digit();
    let mut start = value.start - (least..value.start).rev().take_while(is_row).count();
    let is_begun = start == 0 || start > least && text[start - 1] == b'\n';
    if !is_begun {
        start += text[start..value.start].iter().take_while(is_digit).count();
    }
    let mut end = value.end + (value.end..most).take_while(is_row).count();
    let is_ended = end == text.len() || end < most && text[end] == b'\n';
    if !is_ended {
        end -= text[value.end..end].iter().rev().take_while(is_digit).count();
    }
    (start..end, [is_begun, is_ended])
}

/// Four groups of four digits, as a card has them.
fn four(text: &[u8], cells: &[Range<usize>]) -> Option<Vec<u8>> {
    let is_four = cells.len() == GROUPS && cells.iter().all(|cell| cell.len() == GROUP);
    is_four.then(|| cells.iter().map(|cell| &text[cell.clone()]).collect::<Vec<_>>().join(&b' '))
}

/// Whether four groups stand in a table, and hardly any of the rows around holds in the same columns what passes. No more than
/// half of the rows do at any place: cards may be in other columns.
fn is_in_table(text: &[u8], value: &Range<usize>, passes: impl Fn(&[u8]) -> bool) -> bool {
    let least = value.start.saturating_sub(limits::TABLE_REACH);
    let most = text.len().min(value.end + limits::CROWD_REACH);
    let is_end = |byte: &u8| *byte == b'\n';
    let Some(start) = line_start(text, least, value.start) else { return false };
    let end = match text[value.end..most].iter().position(is_end) {
        Some(length) => value.end + length,
        None if most == text.len() => most,
        None => return false,
    };
    let Some(own) = cells(text, start..end) else { return false };
    let Some(column) = own.iter().position(|cell| cell.start == value.start) else { return false };
    let four = |cells: &[Range<usize>]| four(text, cells);
    let holds = |cells: &[Range<usize>]| cells.windows(GROUPS).filter_map(four).any(|four| passes(&four));
    let behind = column + GROUPS;
    if own.get(column..behind).and_then(four).is_none() {
        return false;
    }
    let (mut rows, mut passing) = (0, 0);
    let mut holding = usize::from(holds(&own[..column]) || holds(&own[behind..]));
    let is_alike = |cells: &Vec<Range<usize>>| cells.len() == own.len();
    let (above, below) = (rows_before(text, least, start), rows_after(text, end, most));
    for cells in above.take_while(is_alike).chain(below.take_while(is_alike)) {
        let beside = four(&cells[column..behind]);
        rows += usize::from(beside.is_some());
        passing += usize::from(beside.is_some_and(|four| passes(&four)));
        // There are no rows enough for so many.
        if passing * CHANCE > (most - least) / value.len() {
            return false;
        }
        holding += usize::from(holds(&cells));
    }
    let enough = match own.len() {
        CELLS.. => ROWS,
        FEW_CELLS.. => MORE_ROWS,
        _ => MANY_ROWS,
    };
    rows >= enough && passing * CHANCE <= rows && holding * 2 <= rows
}

/// Where the line that goes on up to `at` begins, if that is read.
fn line_start(text: &[u8], least: usize, at: usize) -> Option<usize> {
    match text[least..at].iter().rposition(|&byte| byte == b'\n') {
        Some(end) => Some(least + end + 1),
        None => (least == 0).then_some(0),
    }
}

/// The rows before the line that begins at `start`, the nearest first, up to one that is none.
fn rows_before(text: &[u8], least: usize, start: usize) -> impl Iterator<Item = Vec<Range<usize>>> {
    let mut start = start;
    std::iter::from_fn(move || {
        let end = start.checked_sub(1).filter(|&end| end >= least)?;
        start = line_start(text, least, end)?;
        cells(text, start..end)
    })
}

/// The same behind the line that ends at `end`.
fn rows_after(text: &[u8], end: usize, most: usize) -> impl Iterator<Item = Vec<Range<usize>>> {
    let mut end = end;
    std::iter::from_fn(move || {
        let start = Some(end + 1).filter(|&start| start < most)?;
        let length = text[start..most].iter().position(|&byte| byte == b'\n');
        // A line that is cut is none.
        end = length.map_or(most, |length| start + length);
        let is_whole = length.is_some() || most == text.len();
        is_whole.then(|| cells(text, start..end)).flatten()
    })
}

/// The numbers of a line of nothing but numbers and blanks. None begins with a nought, as digits of something longer do: those
/// of a card, a date or a message in fours.
fn cells(text: &[u8], line: Range<usize>) -> Option<Vec<Range<usize>>> {
    numbers(text, line, |_| false)
}

/// The same, where what stands at some places is as good as a blank.
fn numbers(text: &[u8], line: Range<usize>, is_nothing: impl Fn(usize) -> bool) -> Option<Vec<Range<usize>>> {
    let is_blank = |byte: u8| matches!(byte, b' ' | b'\t' | b'\r');
    let (mut cells, mut at) = (Vec::new(), line.start);
    while at < line.end {
        let length = text[at..line.end].iter().take_while(|byte| byte.is_ascii_digit()).count();
        match length {
            0 if is_blank(text[at]) || is_nothing(at) => at += 1,
            2..=CELL if text[at] == b'0' => return None,
            1..=CELL => {
                cells.push(at..at + length);
                at += length;
            }
            _ => return None,
        }
    }
    Some(cells)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the group of fours in a text stands in a table by chance, where those of `cards` alone pass.
    fn by_chance(text: &str, cards: &[&str]) -> bool {
        let at = text.find("4716 2530 9847 2014").unwrap();
        let passes = |four: &[u8]| cards.iter().any(|card| card.as_bytes() == four);
        is_by_chance(text.as_bytes(), &(at..at + 19), passes)
    }

    const ABOVE: &str = "1001 2031 4532 8812 3430 1765 99 1201";
    const VALUE: &str = "1002 17 4716 2530 9847 2014 1227 1234";
    const BELOW: &str = "1003 250 4539 1488 3043 6467 1280 456";

    #[test]
    fn a_table_of_whole_numbers_without_another_card_is_none_of_cards() {
        let table = format!("x\n{ABOVE}\r\n{VALUE}\n{BELOW}\n");
        assert!(by_chance(&table, &[]));
        assert!(by_chance(&format!("{VALUE}\n{BELOW}\n{ABOVE}"), &[]));
        // Blanks and tabs part the others as they like, one row of three holds a card elsewhere.
        let spread = table.replace("1003 250 ", "1003\t  250 ");
        assert!(by_chance(&spread, &[]));
        assert!(by_chance(
            &format!("{spread}4000 5000 6000 7000 8000 9000 10 11\n"),
            &["5000 6000 7000 8000"]
        ));
    }

    #[test]
    fn cards_in_a_list_or_in_few_or_other_numbers_stay() {
        let table = |above: &str, value: &str, below: &str| format!("{above}\n{value}\n{below}\n");
        let plain = table(ABOVE, VALUE, BELOW);
        let cases = [
            // Cards in the same columns, or elsewhere in most of the rows, their own among them.
            (plain.clone(), vec!["4539 1488 3043 6467"]),
            (plain.clone(), vec!["2031 4532 8812 3430", "1488 3043 6467 1280"]),
            (
                table(
                    &format!("{ABOVE} 1 2 3"),
                    &format!("{VALUE} 6000 7000 8000"),
                    &format!("{BELOW} 3 4 5"),
                ),
                vec!["1234 6000 7000 8000", "2031 4532 8812 3430"],
            ),
            // Rows that are too few, too short, of another length, or hold no fours in these columns.
            (table(ABOVE, VALUE, ""), vec![]),
            (plain.replace(" 1201", "").replace(" 1234", "").replace(" 456", ""), vec![]),
            (
                plain.repeat(3).replace(" 99 1201", "").replace(" 1227 1234", "").replace(" 1280 456", ""),
                vec!["4539 1488 3043 6467"],
            ),
            (table(ABOVE, &format!("{VALUE} 1"), BELOW), vec![]),
            (plain.replace(" 3043 ", " 304 "), vec![]),
            // Letters, signs, longer numbers, and digits that begin with a nought.
            (plain.replace(" 17 ", " 07 "), vec![]),
            (plain.replace(" 1280 ", " 0128 "), vec![]),
            (plain.replace(" 456", " 456x"), vec![]),
            (plain.replace(" 17 ", ",17 "), vec![]),
            (plain.replace(" 456", " 1234567"), vec![]),
        ];
        for (text, cards) in cases {
            assert!(!by_chance(&text, &cards), "{text}");
        }
    }

    const MANY: &str =
        "1508 450 7126 545 9016 2558 2272 4753 4716 2530 9847 2014 6483 2507 5629 6073 8936 9927";

    #[test]
    fn in_a_row_of_many_numbers_four_are_no_card_by_chance() {
        assert!(by_chance(MANY, &[]));
        assert!(by_chance(&format!("<polyline points=\"1 2 {MANY} 17\"/>"), &[]));
        // With the letters of a path between them.
        let path = MANY.replace(" 7126", " C 7126").replace(" 6483", " L 6483");
        assert!(by_chance(&format!("<path d=\"M {path} Z\"/>"), &[]));
        assert!(!by_chance(&path.replace(" C ", " E ").replace(" L ", " E "), &[]));
        // One of them passes, which is not right beside it.
        assert!(by_chance(&format!("{MANY} 1234"), &["5629 6073 8936 9927"]));
        // Rows above and below it, of as many or of other numbers, some of which pass elsewhere.
        let rows = |beside: &str| format!("{beside} 1 2\n{MANY}\n9 {beside} 1\n");
        let beside = "1000 4532 2000 8812 3430 1765 3179 8886 5425 2312 3456 7896 4000 5000 6000 7000";
        assert!(by_chance(&rows(beside), &["4000 5000 6000 7000"]));
        let stays = [
            // A list of cards, two side by side, in the same columns of another row, or every so many numbers.
            (MANY.to_owned(), vec!["9016 2558 2272 4753"]),
            (MANY.to_owned(), vec!["6483 2507 5629 6073"]),
            (rows(beside), vec!["5425 2312 3456 7896"]),
            (
                format!("5425 2312 3456 7896 1 2 {}", MANY.replace("7126 545", "7126 5545")),
                vec!["5425 2312 3456 7896", "7126 5545 9016 2558", "5629 6073 8936 9927"],
            ),
            // Too few others, digits that begin with a nought, and other signs between them.
            (MANY.replace("1508 450 7126 545 9016 2558 2272", "1"), vec![]),
            (MANY.replace(" 6073 ", " 0073 "), vec![]),
            (MANY.replace(" 2558 ", " 2558, "), vec![]),
            (MANY.replace(' ', "\n").replace("4716\n2530\n9847\n2014", "4716 2530 9847 2014"), vec![]),
        ];
        for (text, cards) in stays {
            assert!(!by_chance(&text, &cards), "{text}");
        }
    }

    #[test]
    fn four_rows_tell_what_six_numbers_are() {
        let row = |row: usize| format!("2250 453{row} 8812 3430 1765 3179\n");
        let text = |rows: usize| {
            format!("{}1508 4716 2530 9847 2014 5629\n", (0..rows).map(row).collect::<String>())
        };
        assert!(by_chance(&text(4), &[]));
        assert!(!by_chance(&text(3), &[]) && !by_chance(&text(4), &["4532 8812 3430 1765"]));
    }

    #[test]
    fn many_rows_tell_what_few_numbers_are() {
        let rows =
            |count: usize| (0..count).map(|row| format!("4532 {row}812 3430 1765\n")).collect::<String>();
        let text = |count: usize| format!("{}4716 2530 9847 2014\n", rows(count).replace(" 0", " 9"));
        assert!(by_chance(&text(6), &[]) && by_chance(&text(8), &["4532 3812 3430 1765"]));
        assert!(!by_chance(&text(5), &[]) && !by_chance(&text(7), &["4532 3812 3430 1765"]));
        assert!(!by_chance(&text(8), &["4532 3812 3430 1765", "4532 5812 3430 1765"]));
    }

    #[test]
    fn in_a_long_table_one_row_in_eight_may_pass() {
        let rows: Vec<String> = (0..8).map(|row| format!("1 2 400{row} 5000 6000 7000 3 4\n")).collect();
        let text = format!("{}{VALUE}\n", rows.concat());
        let card = |row: usize| &rows[row][4..23];
        assert!(by_chance(&text, &[card(0)]));
        assert!(!by_chance(&text, &[card(0), card(7)]));
        assert!(!by_chance(&text[rows[0].len()..], &[card(7)]));
    }

    #[test]
    fn rows_are_read_to_their_reach_and_no_cut_one_counts() {
        let long = |row: &str, reach: usize| format!("{row}{}", " ".repeat(reach));
        let table = |above: &str, value: &str, below: &str| format!("{above}\n{value}\n{below}\n");
        assert!(!by_chance(&table(&long(ABOVE, limits::TABLE_REACH), VALUE, BELOW), &[]));
        assert!(!by_chance(&table(ABOVE, VALUE, &long(BELOW, limits::CROWD_REACH)), &[]));
        assert!(!by_chance(&table(ABOVE, &long(VALUE, limits::CROWD_REACH), BELOW), &[]));
    }
}
