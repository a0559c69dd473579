"""Headings and values in the reader's language; each line is a key, English, Persian."""

from worker.exports.table import Language

_HEADINGS = """
course | Course | درس
code | Code | کد درس
title | Title | عنوان
teacher | Teacher | استاد
occurrence | Class no. | شمارهٔ جلسه
occurrences | Classes | جلسه‌ها
starts_at | Starts | آغاز
ends_at | Ends | پایان
opened_at | Opened | بازشدن
closed_at | Closed | بسته‌شدن
started_at | Started | شروع
ended_at | Ended | خاتمه
date | Date | تاریخ
jalali_date | Jalali date | تاریخ شمسی
timezone | Time zone | منطقهٔ زمانی
user_id | User ID | شناسهٔ کاربر
full_name | Name | نام و نام خانوادگی
role | Role | نقش
status | Status | وضعیت
late | Late | تأخیر در ورود
left_early | Left early | تعجیل در خروج
first_seen | First seen | اولین حضور
last_seen | Last seen | آخرین حضور
seconds_present | Time present | مدت حضور
seconds_unknown | Time unknown | مدت نامعلوم
seconds | Duration | مدت
percent | Percent | درصد حضور
joins | Joins | دفعات ورود
expected | Expected | ثبت‌نام‌شده
present | Present | حاضر
partial | Partial | حضور ناقص
absent | Absent | غایب
excused | Excused | غیبت موجه
unknown | Unknown | نامعلوم
peak | Peak | بیشینهٔ حاضران
peak_at | Peak at | زمان بیشینه
mean | Mean | میانگین حاضران
server | Server | سرور
state | State | وضعیت جلسه
recording | Recording | ضبط
recordings | Recordings | ضبط‌ها
ended_by | Ended by | پایان‌دهنده
close_reason | Reason closed | علت بسته‌شدن
at | Time | زمان
meetings | Meetings | جلسه‌های برخط
participants | Participants | حاضران
moderators | Moderators | مدیران
viewers | Viewers | شرکت‌کنندگان
minutes | Minutes | دقیقه
reason | Reason | علت
note | Note | توضیح
corrected_by | Corrected by | اصلاح‌کننده
correction_reason | Reason for correction | علت اصلاح
observed_status | Observed status | وضعیت مشاهده‌شده
guest | Guest | مهمان
guests | Guests | مهمان‌ها
verdict | Against the plan | نسبت به برنامه
seconds_late | Teacher late by | تأخیر استاد
seconds_short | Short by | کوتاه‌تر از برنامه
seconds_overran | Overran by | بیش از برنامه
meeting_id | Meeting ID | شناسهٔ نشست
internal_meeting_id | Internal meeting ID | شناسهٔ داخلی نشست
record_id | Recording ID | شناسهٔ ضبط
cancelled | Cancelled | لغوشده
attendance | Attendance | حضور و غیاب
sessions | Classes | گزارش جلسه‌ها
totals | Totals | آمار هم‌زمان
matrix | Attendance matrix | ماتریس حضور و غیاب
person | One person's attendance | کارنامهٔ حضور یک نفر
"""

_VALUES = """
present | Present | حاضر
partial | Partial | حضور ناقص
absent | Absent | غایب
unknown | Unknown | نامعلوم
excused | Excused | غیبت موجه
late | Late | تأخیر در ورود
left_early | Left early | تعجیل در خروج
true | Yes | بله
false | No | خیر
moderator | Moderator | مدیر
viewer | Viewer | شرکت‌کننده
teacher | Teacher | استاد
student | Student | دانشجو
planned | Planned | برنامه‌ریزی‌شده
requested | Requested | درخواست‌شده
open | Open | باز
live | Live | در حال برگزاری
held | Held | برگزارشده
missed | Missed | برگزارنشده
cancelled | Cancelled | لغوشده
closed | Closed | بسته
ended | Ended | پایان‌یافته
abandoned | Abandoned | رهاشده
gone | Gone | از دسترس خارج‌شده
overrun | Overrun | بیش از زمان مقرر
expired | Expired | منقضی‌شده
worker | Worker | سامانه
server | Server | سرور
empty | Everybody left | خروج همگان
processing | Processing | در حال پردازش
processed | Processed | پردازش‌شده
published | Published | منتشرشده
unpublished | Unpublished | منتشرنشده
deleted | Deleted | حذف‌شده
missing | Missing | یافت‌نشده
none | None | ندارد
P | P | ح
L | L | ت
A | A | غ
E | E | م
U | U | ن
on time | On time | طبق برنامه
short | Short | کوتاه‌تر
overran | Overran | طولانی‌تر
late, short | Late, short | با تأخیر، کوتاه‌تر
late, overran | Late, overran | با تأخیر، طولانی‌تر
"""

_PHRASES = """
rows | {count} rows | {count} ردیف
generated | Generated {moment} | زمان تهیه: {moment}
zone | Times: {zone} | ساعت‌ها به وقت {zone}
empty | Nothing to report. | موردی برای گزارش نیست.
notes | Notes | یادداشت‌ها
chart | Chart | نمودار
participants over time | Participants over time | تعداد حاضران در طول زمان
report | Report | گزارش
"""


def _pairs(lines: str) -> dict[str, dict[Language, str]]:
    parted = (line.split(" | ") for line in lines.strip().splitlines())
    return {key: {"en": english, "fa": persian} for key, english, persian in parted}


HEADINGS = _pairs(_HEADINGS)
VALUES = _pairs(_VALUES)
PHRASES = _pairs(_PHRASES)


def heading(key: str, language: Language) -> str:
    """The heading of a column or a table; a key without a word of its own is spelled out."""
    known = HEADINGS.get(key)
    return known[language] if known else key.replace("_", " ").strip().capitalize()


def value(word: str, language: Language) -> str:
    """A status, role or state in the reader's language; what we do not know stays as it is."""
    known = VALUES.get(word)
    return known[language] if known else word


def phrase(key: str, language: Language) -> str:
    """One of the few sentences around a table."""
    return PHRASES[key][language]
