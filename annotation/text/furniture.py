"""PURE. Lines that belong to the page or the mail and not to its text: share lines, cookie notices, disclaimers, page heads.

Whole lines alone are cut, as edits, so that places follow; a text is never cut to nothing.
"""

import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator

from annotation.text.normal import search_form
from annotation.text.offsets import Edit

# A line that is furniture by its words has at most so many characters; a disclaimer may be a paragraph.
SHORT, LONG = 160, 3000
# Heads and feet of pages stand within so many lines of the page's number.
NEAR = 5
PAGES = 3
# Lines at the beginning and the end of a text that may repeat in its neighbours, and how often they must.
ENDS, OFTEN, SHARE = 6, 5, 0.05
REMEMBERED = 200_000

_LINE = re.compile(r"[^\n]*\n?")
_DIGITS = re.compile(r"\d+")
_SIGN = re.compile(r"\w")

_WORDS = re.compile(
    r"""(?ix) \s* (?:[-–—•·>|»*►▶]\s*)? (?:
      (?:read|see|learn|show|load|view) \s+ (?:more|full\ (?:article|story)|the\ full\ (?:article|story)) (?:\s*[:.…»>→]*|\s+(?:at|on|about|here|from)\b.{0,80})
    | (?:continue|keep)\ reading .{0,60}
    | click\ here (?:\ to\ .{0,80})? | (?:sign|log)\ (?:up|in) (?:\ (?:for|to|now|here|with)\b.{0,80})? | subscribe (?:\ (?:now|today|here|to|for)\b.{0,80})? | unsubscribe (?:\ .{0,80})?
    | (?:to\ )?unsubscribe\ from\ .{0,100} | (?:manage|update)\ (?:your\ )?(?:e-?mail\ )?(?:preferences|subscriptions?|cookies) .{0,40}
    | share\ (?:this|on|via)\b .{0,60} | share | tweet | (?:e-?mail|print)\ this (?:\ (?:page|article|story))?
    | (?:share|post|save|tweet|print|e-?mail|comments?|facebook|twitter|linked-?in|whatsapp|reddit|telegram|pinterest|instagram|youtube|copy\ link) (?:\s*[|/,·•]?\s*(?:share|post|save|tweet|print|e-?mail|comments?|facebook|twitter|linked-?in|whatsapp|reddit|telegram|pinterest|instagram|youtube|copy\ link))+
    | follow\ us\b .{0,80} | (?:back\ to|go\ to)\ (?:the\ )?top | skip\ to\ (?:main\ )?content | advertisement | sponsored (?:\ content)? | story\ continues\ below .{0,30}
    | (?:related|recommended|trending|most\ read|you\ may\ also\ like|more\ from)\b (?:\ (?:articles?|stories|news|content|posts?|topics|links))? \s* :?
    | (?:we|this\ (?:web)?site|our\ (?:web)?site) (?:\ and\ our\ partners)? \ uses?\ cookies .* | (?:accept|reject|allow)\ (?:all\ )?cookies .{0,40} | (?:privacy|cookie)\ (?:policy|notice|settings|preferences) (?:\s*[|·•]\s*.{0,80})?
    | (?:terms\ of\ (?:use|service)|all\ rights\ reserved) \s* \.? | sent\ from\ my\ (?:i?phone|ipad|android|blackberry|samsung|mobile) .{0,60} | get\ outlook\ for\ .{0,40}
    | (?:copyright\s*)? (?:©|\(c\)) \s* (?:copyright\s*)? \d{4} .{0,100} | copyright\ \d{4} .{0,100}
    | (?:table\ of\ contents)
    | (?:点击|點擊|查看|閱讀|阅读|展开|了解|加载) (?:这里|此处|更多|全文|原文|查看更多|查看全文|查看原文|阅读全文|阅读原文|下方.{0,20}) .{0,10} [>»…。]*
    | (?:分享|转发) (?:到|至|给) .{0,40} | (?:微信|微博|朋友圈|QQ空间|QQ|新浪微博|复制链接) (?: [\s|/、·]* (?:微信|微博|朋友圈|QQ空间|QQ|新浪微博|复制链接|分享|收藏|点赞|评论|打印))+
    | (?:扫一扫|扫描|扫码|長按|长按) .{0,20} (?:二维码|关注|下载|加入).{0,30} | (?:欢迎|敬请|请) 关注 .{0,20} (?:公众号|微信|微博|微信号).{0,40} | 关注 .{0,20} 公众号 .{0,20}
    | (?:相关|推荐|热门|延伸) (?:阅读|新闻|文章|推荐|链接) \s* [:：]? | (?:上一篇|下一篇|返回顶部|返回列表|回到顶部|打印本页|关闭窗口|网站地图|联系我们|广告|免责声明|隐私政策|版权所有) \s* (?:[:：>|].{0,80})?
    | 本(?:网站|站)使用\s*cookies? .* | 版权所有 .{0,100} | (?:责任编辑|责编|编辑|原标题|来源|文章来源) \s* [:：] \s* .{0,30} | [（(] \s* (?:责任编辑|责编|编辑) \s* [:：] .{0,30} [)）]
    ) \s*""",
)
_DISCLAIMER = re.compile(
    r"""(?isx) \s* (?:
      (?:this\ (?:e-?mail|message|communication|transmission)) \b .{0,200} \b (?:confidential|privileged|intended\ (?:only|solely|recipient)) \b .*
    | if\ you\ (?:are\ not\ the\ intended\ recipient|have\ received\ this\ (?:e-?mail|message)) \b .*
    | (?:the\ )?(?:views|opinions)\ (?:and\ opinions\ )?expressed\ (?:herein|here|in\ this\ (?:article|report|post))\ (?:are|do)\ .*
    | (?:disclaimer|legal\ notice|important\ (?:disclosures?|notice)) \s* [:：—-] .*
    | (?:this\ (?:article|report|document|post|content)|the\ information\ (?:contained\ )?(?:herein|in\ this\ (?:article|report)))\ .{0,120}\ (?:not|no)\ .{0,60}\ (?:investment|financial)\ advice \b .*
    | (?:免责声明|免责条款|风险提示|风险警示|特别声明|法律声明|郑重声明|重要声明) \s* [:：] .*
    | .{0,60} (?:不构成|并不构成|不作为) (?:任何)? (?:实质性)? (?:的)? (?:投资建议|投资依据|投资意见|操作建议|买卖建议) .*
    | .{0,40} (?:投资有风险|股市有风险) [，,、]? (?:入市|投资)? .{0,4} (?:须|需)? (?:谨慎|审慎) .{0,10}
    | (?:本邮件|此邮件|本电子邮件) .{0,80} (?:保密|机密|仅供) .*
    ) \s*""",
)
_PAGE = re.compile(
    r"(?i)\s*(?:[-–—]\s*)?(?:page\s+|p\.\s?|第\s*)?(\d{1,4})\s*(?:页)?(?:\s*(?:of|/|共)\s*\d{1,4}\s*页?|\s*[-–—])?\s*"
)


def edits(text: str, repeated: Container[str] = ()) -> list[Edit]:
    """The lines to cut, with their line ends. repeated: `search_form` of lines that stand in many texts of one import."""
    if "\n" not in text:
        return []
    lines = [(found.start(), found.end()) for found in _LINE.finditer(text) if found.end() > found.start()]
    words = [text[start:end].strip() for start, end in lines]
    cut = {place for place, line in enumerate(words) if line and is_furniture(line)}
    cut |= _heads_and_feet(words)
    if repeated:
        cut |= {place for place in _at_the_ends(words) if search_form(words[place]) in repeated}
    if not cut or not any(_SIGN.search(line) for place, line in enumerate(words) if place not in cut):
        return []
    return [(*lines[place], "") for place in sorted(cut)]


def is_furniture(line: str) -> bool:
    """Whether the words of a line say that it belongs to a page or a mail."""
    if len(line) <= SHORT and _WORDS.fullmatch(line):
        return True
    return len(line) <= LONG and _DISCLAIMER.fullmatch(line) is not None


def form(line: str) -> str:
    """What heads of pages have in common: their words, with every number the same one."""
    return _DIGITS.sub("0", search_form(line))


def _at_the_ends(words: list[str]) -> Iterator[int]:
    """The first and last lines of a text that has more than these."""
    filled = [place for place, line in enumerate(words) if line]
    if len(filled) > 2:
        yield from dict.fromkeys((*filled[:ENDS], *filled[-ENDS:]))


def _heads_and_feet(words: list[str]) -> set[int]:
    """The numbers of pages that count up, and lines that come back beside them."""
    numbers = [(place, int(found[1])) for place, line in enumerate(words) if line and (found := _PAGE.fullmatch(line))]
    chain: list[int] = []
    for first in range(min(len(numbers), 20)):
        wanted, found_ = numbers[first][1], list[int]()
        for place, number in numbers[first:]:
            # Rows of a table count up too, but one after the other.
            if number == wanted and (not found_ or place - found_[-1] > NEAR):
                found_.append(place)
                wanted += 1
        chain = max(chain, found_, key=len)
    if len(chain) < PAGES:
        return set()
    near = {place for page in chain for place in range(page - NEAR, page + NEAR + 1)}
    times = Counter(form(line) for line in words if line)
    beside = Counter(form(words[place]) for place in near if 0 <= place < len(words) and words[place])
    heads = {line for line, count in beside.items() if count >= PAGES and count >= 0.8 * times[line]}
    return {*chain, *(place for place in near if 0 <= place < len(words) and form(words[place]) in heads)}


class Repeats:
    """Counts the first and last lines of many texts, in bounded memory; `common` are those that many have."""

    def __init__(self) -> None:
        self.texts = 0
        self.counts: Counter[str] = Counter()

    def add(self, text: str) -> None:
        """One text."""
        self.texts += 1
        words = [line.strip() for line in text.split("\n")]
        self.counts.update({search_form(words[place]) for place in _at_the_ends(words) if len(words[place]) <= SHORT})
        if len(self.counts) > REMEMBERED:
            self.counts = Counter({line: count for line, count in self.counts.items() if count > 1})

    def common(self) -> frozenset[str]:
        """The `search_form` of lines that at least OFTEN texts, and a SHARE of them, begin or end with."""
        least = max(OFTEN, self.texts * SHARE)
        return frozenset(line for line, count in self.counts.items() if count >= least and _SIGN.search(line))


def repeats(texts: Iterable[str]) -> frozenset[str]:
    """The lines that repeat over these texts."""
    found = Repeats()
    for text in texts:
        found.add(text)
    return found.common()
