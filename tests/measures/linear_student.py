"""A linear student of vectors, whose gradients, Hessian and tangent kernel are known in closed form."""

from grokjax.losses.mse import MSE
from grokjax.models.linear import Linear
from grokjax.optimizers.adamw import AdamW
from grokjax.reader.run import Run
from grokjax.tasks.linear_teacher import LinearTeacher

RUN = Run(
    task=LinearTeacher(inputs=6, outputs=2, examples=30, train_size=20), model=Linear(), optimizer=AdamW(), loss=MSE()
)
