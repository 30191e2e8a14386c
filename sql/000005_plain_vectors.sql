-- older code: runs
-- Inline, and never compressed: a vector with many equal numbers was, and comparing them all unpacked each, which took four
-- times as long as comparing (5,000 of 1,536 numbers: 13.5 ms, plain 3.3). A row longer than a page goes out of line, as ever.
alter table chunk_vectors alter column embedding set storage external, set (toast_tuple_target = 8160);
alter table cached_questions alter column embedding set storage external, set (toast_tuple_target = 8160);
