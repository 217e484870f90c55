std = "lua54+busted"
max_line_length = 100
exclude_files = { "build/", "lua/pierrot/meta/" }
