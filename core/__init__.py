"""Attune's engine is one equation, one module a factor.

    p(y | x, u)  =  Σ_d  w_d · p(y | x, d, u)          w_d ∝ p(d | x, u) · p(held | x, d)

    x question · u person · d passage · y answer · held: d holds the answer to x

    term          module                        what it does
    x             answering/history.py      turns + new message → what is asked, read in one or two ways r
    p(d|x)        answering/retrieval.py    hybrid search for each reading: Σ_r p(r|x) · p(d|r)
    p(d|x,u)      answering/ranking.py      tilts p(d|x) by the team's use and the person's taste, within bounds
    p(held|x,d)   answering/verdict.py      the model's verdict: each row says yes or no before it answers. In their
                                            weights it decides which rows speak (decoding.py); p(held|x), the greatest
                                            of them, whether anything is said: under the bound the next passages are
                                            read as well, once
    p(y|x,d,u)    adapters/local_model/     the language model in this process
                  adapters/remote_model/    … or one on a server
    Σ_d           answering/decoding.py     sums the passages token by token, and says which carried the answer
    u             people/preferences.py,    what a person set and said, and what their signals taught
                  people/interests.py

``engine.py`` tells the story of one message; ``domain.py`` has its nouns, ``ports.py`` what the engine asks of the
outside, ``bootstrap.py`` puts real things behind those ports. ``core`` never imports ``bots``. A model that does not
judge before it answers has p(held|x,d) = 1 in w_d; where a check asks it, that decides only whether anything is said.
"""
