-- older code: runs
-- Vectors of more than 1,000 numbers would be stored out of line, and comparing them all looked each up by itself: 2.4 times
-- as long for 5,000 of 1,536 numbers. What is there already moves when it is written anew.
alter table chunk_vectors alter column embedding set storage main;
alter table cached_questions alter column embedding set storage main;
