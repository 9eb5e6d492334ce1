"""How far the gradient through any equation F(x, params) = 0 can be trusted."""

from smfg_verify.exact.implicit.certificate import ImplicitCertificate as ImplicitCertificate
from smfg_verify.exact.implicit.certificate import ImplicitVerdict as ImplicitVerdict
from smfg_verify.exact.implicit.certificate import implicit_certificate as implicit_certificate
