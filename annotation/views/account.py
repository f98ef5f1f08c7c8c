"""Signing in and out, accepting an invitation, one's own account, password and API tokens."""

from contextlib import suppress
from hashlib import sha256
from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.views import LoginView, LogoutView
from django.core.cache import cache
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST
from knox.models import AuthToken

from annotation import choosing, granting, inviting, tokens
from annotation import keys as page_keys
from annotation.forms import AccountForm, JoinForm, SignInForm, TokenForm
from annotation.models import LONGEST_NAME, User
from annotation.text.normal import normalised
from annotation.views.posted import text
from config.scopes import SCOPES

# Wrong passwords for a name within the window: from one address, and from all together. The second is far higher, so
# that nobody can lock another person out from elsewhere with a handful of tries.
TRIES, TRIES_ANYWHERE, WINDOW = 10, 200, 300


def address_of(request: HttpRequest) -> str:
    """Where a request comes from; behind our TLS proxy what that has put last, because the rest anybody can write."""
    told = request.META.get("HTTP_X_FORWARDED_FOR", "") if settings.HTTPS else ""
    return told.rpartition(",")[2].strip() or str(request.META.get("REMOTE_ADDR", ""))


@method_decorator([sensitive_post_parameters(), never_cache], name="dispatch")
class SignIn(LoginView):
    """User name and password; after ten wrong tries on a name from one address it waits some minutes."""

    template_name = "annotation/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Refuse where too many wrong passwords were tried for this name lately."""
        if any(cache.get(key, 0) >= most for key, most in self._counters()):
            form = self.get_form_class()(request)
            sentence = _("Too many wrong passwords for this name. Wait five minutes and try again.")
            messages.error(request, sentence)
            return self.render_to_response(self.get_context_data(form=form), status=429)
        return super().post(request, *args, **kwargs)

    def form_invalid(self, form: Any) -> HttpResponse:
        """Count the wrong try."""
        for key, _most in self._counters():
            cache.add(key, 0, WINDOW)
            with suppress(ValueError):  # it has expired just now
                cache.incr(key)
        return super().form_invalid(form)

    def _counters(self) -> list[tuple[str, int]]:
        # The same form that the user name is compared in: other spellings of a name are no new tries. PostgreSQL
        # compares in capitals, where a dotless i is an I.
        name = normalised("NFKC", self.request.POST.get("username", "")[: LONGEST_NAME + 1]).strip().upper().casefold()
        digest = sha256(name.encode(errors="replace")).hexdigest()
        address = address_of(self.request)
        return [(f"sign-in:{digest}:{address}", TRIES), (f"sign-in:{digest}", TRIES_ANYWHERE)]


class SignOut(LogoutView):
    """POST ends the session."""


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest, token: str) -> HttpResponseBase:
    """Open an invitation: sign up (the only way to do so), or join with the account one has."""
    invitation = inviting.find(token)
    if invitation is None:
        # Who has used it already is where it led to.
        if project := inviting.accepted(token, request.user):
            return redirect("annotation:project", project.slug)
        return render(request, "annotation/join.html", {"invitation": None}, status=404)
    form = (
        None if request.user.is_authenticated else JoinForm(request.POST or None, initial={"email": invitation.email})
    )
    if request.method == "POST" and (form is None or form.is_valid()):
        try:
            # Together, so that a link which somebody else has used just now leaves no account behind.
            with transaction.atomic():
                user = form.save() if form else request.user
                inviting.accept(invitation=invitation, user=user)
        except ValueError:
            return render(request, "annotation/join.html", {"invitation": None}, status=404)
        if form:
            login(request, user)
        return redirect("annotation:project", invitation.project.slug)
    context = {"invitation": invitation, **({"form": form} if form else {})}
    return render(request, "annotation/join.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def account(request: HttpRequest) -> HttpResponseBase:
    """One's name, e-mail and API tokens."""
    form = AccountForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Saved."))
        return redirect("annotation:account")
    return _account(request, form=form)


def _account(request: HttpRequest, **extra: Any) -> HttpResponse:
    context = {
        "form": AccountForm(instance=request.user),
        "token_form": TokenForm(user=request.user),
        "tokens": [
            {**row, "scopes": [SCOPES[name] for name in row["scopes"]]}
            for row in (tokens.told(token) for token in tokens.listed(cast(User, request.user)))
        ],
        **extra,
    }
    return render(request, "annotation/account.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def keys(request: HttpRequest) -> HttpResponseBase:
    """One's own keys of the labelling page; its sheet of keys sends them here and is gone back to."""
    back = request.POST.get("next", "")
    if not back.startswith("/") or not url_has_allowed_host_and_scheme(back, allowed_hosts=None):
        back = reverse("annotation:account")
    person = cast(User, request.user)
    own, error = person.keys, ""
    if request.method == "POST":
        own = {} if "reset" in request.POST else {action: text(request.POST, action) for action in page_keys.ACTIONS}
        try:
            choosing.choose_keys(user=person, chosen=own)
        except ValueError as problem:
            error = str(problem)
        else:
            return redirect(back)
    rows = [(action, page_keys.WORDS[action], key, own.get(action, "")) for action, key in page_keys.ACTIONS.items()]
    context = {"key_rows": rows, "next": back, "error": error}
    return render(request, "annotation/keys.html", context, status=400 if error else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def make_token(request: HttpRequest) -> HttpResponseBase:
    """A new API token, shown once; to look at it again leads to the account."""
    if request.method != "POST":
        return redirect("annotation:account")
    form = TokenForm(request.POST, user=request.user)
    secret = ""
    if form.is_valid():
        try:
            _terms, secret = granting.grant(user=cast(User, request.user), **form.cleaned_data)
        except ValueError as error:
            form.add_error(None, str(error))
    if not secret:
        return _account(request, token_form=form)
    return _account(request, new_token=secret, secret=True)


@login_required
@require_POST
def revoke_token(request: HttpRequest, digest: str) -> HttpResponseBase:
    """End a token at once."""
    row = tokens.found(digest, cast(User, request.user))
    if row is None:
        raise Http404
    granting.revoke(token=row)
    messages.success(request, _("The token is revoked."))
    return redirect("annotation:account")


@sensitive_post_parameters()
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def password(request: HttpRequest) -> HttpResponseBase:
    """Change one's password; other sessions end."""
    form = PasswordChangeForm(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        update_session_auth_hash(request, form.save())
        AuthToken.objects.filter(user=request.user).delete()
        messages.success(
            request, _("The password is changed. Other browsers are signed out and all API tokens are revoked.")
        )
        return redirect("annotation:account")
    return render(request, "annotation/password.html", {"form": form})
