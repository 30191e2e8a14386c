#!/bin/sh
# Builds tap with the plugins of .taprc, unless this installation of it was built since .taprc changed.
built=node_modules/@tapjs/test/built
[ "$built" -nt .taprc ] || { tap build && touch "$built"; }
