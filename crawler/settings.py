"""Who we are, how politely we ask, and what runs in which order. Only Scrapy reads this file.

Our own settings: SHOES_DIR (feed and pictures), SHOES_STATE_DIR (journals and reports),
SHOES_PARAMS, SHOES_BRANDS, SHOES_REDIS (the server of a crawl that several workers share; by the
environment variable SOLEMAP_REDIS nobody reads its password in the list of processes). Each can be
given with ``-s NAME=VALUE``.
"""

import os

from scrapy.settings import default_settings

from crawler.contact import user_agent

BOT_NAME = "solemap"
SPIDER_MODULES = ["crawler.spiders"]
COMMANDS_MODULE = "crawler.commands"

SHOES_DIR = "data/crawl"
SHOES_STATE_DIR = "var/crawl"
SHOES_PARAMS = "params.yaml"
SHOES_BRANDS = "brands.yaml"
SHOES_REDIS = os.environ.get("SOLEMAP_REDIS", "")  # redis://host:6379/0; empty: crawl alone
SHOES_REDIS_LEASE = 60  # seconds; a worker not heard of for so long is dead, its pages go to others
SHOES_PICTURES_AT_ONCE = 12
SHOES_PAGES_AT_ONCE = 16  # per site
SHOES_LEAST_SHARE = (
    0.5  # of the products known, or of their pictures: a site that gives less is doubted
)
SHOES_MAX_RETRY_AFTER = 120  # seconds; a shop that asks for more is asked again after these
SHOES_MAX_CRAWL_DELAY = 30  # seconds; robots.txt may ask for more, we do not wait longer
SHOES_BROWSER = ""  # the browser for pages that need JavaScript; "" finds one, see crawler.browser
SHOES_NAMED_HOSTS: list[str] = []  # set by the command: hosts that the user typed

# Who runs this crawl: SOLEMAP_CONTACT=you@example.org, or -s USER_AGENT="..."; see crawler.contact
USER_AGENT = user_agent(os.environ.get("SOLEMAP_CONTACT"))
ROBOTSTXT_OBEY = True
ROBOTSTXT_PARSER = "crawler.patience.PacedRobots"
COOKIES_ENABLED = False
AUTOTHROTTLE_ENABLED = True
AUTOTHROTTLE_START_DELAY = 1.0
AUTOTHROTTLE_MAX_DELAY = 30.0
AUTOTHROTTLE_TARGET_CONCURRENCY = 2.0
CONCURRENT_REQUESTS = 32
CONCURRENT_REQUESTS_PER_DOMAIN = 8
CONCURRENT_ITEMS = 12  # of one page; Scrapy starts so many tasks for each page, 100 by default
WARN_ON_GENERATOR_RETURN_VALUE = False  # for each page, it reads the source of our callback
if hasattr(default_settings, "DOWNLOAD_DELAY_JITTER"):
    DOWNLOAD_DELAY_JITTER = 0  # a delay that was asked for is the least, not the middle
else:  # before Scrapy 2.19
    RANDOMIZE_DOWNLOAD_DELAY = False
DOWNLOAD_TIMEOUT = 30
DOWNLOAD_MAXSIZE = 32 * 1024 * 1024
DOWNLOAD_WARNSIZE = 0
RETRY_TIMES = 4
RETRY_HTTP_CODES = [500, 502, 504, 520, 522, 524, 408]  # 429 and 503: crawler.patience
RETRY_GIVE_UP_LOG_LEVEL = "DEBUG"
REDIRECT_MAX_TIMES = 8
METAREFRESH_ENABLED = False

# None: what Scrapy does to every request and this crawl has no use for, a tenth of a request's cost
DOWNLOADER_MIDDLEWARES = {
    "scrapy.downloadermiddlewares.offsite.OffsiteMiddleware": None,  # crawler.fence
    "scrapy.downloadermiddlewares.httpauth.HttpAuthMiddleware": None,
    "scrapy.downloadermiddlewares.stats.DownloaderStats": None,
    "crawler.fence.FenceMiddleware": 50,
    "crawler.patience.UnreadableRobots": 540,  # after all tries
    "crawler.patience.RetryAfterMiddleware": 560,
    "crawler.browser.RenderedMiddleware": 580,
    "crawler.fence.ResolvedMiddleware": 595,
}
SPIDER_MIDDLEWARES = {  # they look at what a spider yields: only items, here
    "scrapy.spidermiddlewares.httperror.HttpErrorMiddleware": None,
    "scrapy.spidermiddlewares.referer.RefererMiddleware": None,
    "scrapy.spidermiddlewares.urllength.UrlLengthMiddleware": None,
    "scrapy.spidermiddlewares.depth.DepthMiddleware": None,
    "scrapy.spidermiddlewares.metacopy.MetaCopyDetectionMiddleware": None,
}
ITEM_PIPELINES = {"crawler.pipelines.PicturesPipeline": 300}
EXTENSIONS = {
    "scrapy.extensions.throttle.AutoThrottle": None,
    "crawler.patience.SitePace": 0,
    "crawler.progress.Progress": 0,
    "scrapy.extensions.logstats.LogStats": None,
    "scrapy.extensions.telnet.TelnetConsole": None,
    "scrapy.extensions.memusage.MemoryUsage": None,
    "scrapy.extensions.corestats.CoreStats": None,
    "scrapy.extensions.logcount.LogCount": None,
    "scrapy.extensions.remote_control.RemoteControl": None,
}
if hasattr(default_settings, "TWISTED_DNS_RESOLVER"):
    TWISTED_DNS_RESOLVER = "crawler.fence.PublicResolver"
else:  # before Scrapy 2.19
    DNS_RESOLVER = "crawler.fence.PublicResolver"
TELNETCONSOLE_ENABLED = False
STATS_DUMP = False
LOG_LEVEL = "INFO"
LOG_FORMAT = "%(message)s"
LOG_VERSIONS: list[str] = []
FEED_EXPORT_ENCODING = "utf-8"
