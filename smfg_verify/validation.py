from smfg_verify.game.validation import validate as validate
