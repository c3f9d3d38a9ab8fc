"""data/crawl/ to data/split/<brand>.jsonl and data/pack/<brand>/: the dataset stages."""
