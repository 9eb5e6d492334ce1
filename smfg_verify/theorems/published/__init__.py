"""Published statements, one a file, in the order of a table."""

# isort: off
import smfg_verify.theorems.published.ac_smfg
import smfg_verify.theorems.published.herding
import smfg_verify.theorems.published.regularised_fixed_point
import smfg_verify.theorems.published.product_condition
import smfg_verify.theorems.published.flow_contraction
import smfg_verify.theorems.published.online_mirror_descent
import smfg_verify.theorems.published.softmax_iteration
import smfg_verify.theorems.published.mf_oml
import smfg_verify.theorems.published.linear_quadratic
import smfg_verify.theorems.published.softmax_policy_gradient
import smfg_verify.theorems.published.two_timescale_bilevel
import smfg_verify.theorems.published.decoupled_two_timescale
import smfg_verify.theorems.published.sharp_decoupling
import smfg_verify.theorems.published.robbins_siegmund
import smfg_verify.theorems.published.finite_time_bound
